/** Content formats: bytes to typed values and back, as pure functions behind one table. */

import type { ModelView } from "../model/object-model.ts";
import type { Lwm2mPath } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";

/** CoAP Content-Format numbers (IANA; agent specification 10.2; SenML-ETCH: RFC 8790). */
export const CONTENT_FORMAT = {
  TEXT: 0,
  LINK: 40,
  OPAQUE: 42,
  CBOR: 60,
  SENML_JSON: 110,
  SENML_CBOR: 112,
  TLV: 11542,
  JSON: 11543,
  LWM2M_CBOR: 11544,
  SENML_ETCH_JSON: 320,
  SENML_ETCH_CBOR: 322,
  OLD_TLV: 1542,
  OLD_JSON: 1543,
} as const;
export type ContentFormatName = keyof typeof CONTENT_FORMAT;

/** Those that an operator may prefer for a device (agent specification 3.3, 10.3), and LwM2M CBOR. */
export const SERIALIZATION_FORMATS = [
  "TLV",
  "JSON",
  "CBOR",
  "TEXT",
  "OPAQUE",
  "SENML_JSON",
  "SENML_CBOR",
  "LWM2M_CBOR",
] as const satisfies readonly ContentFormatName[];

const NAMES = new Map<number, string>(Object.entries(CONTENT_FORMAT).map(([name, number]) => [number, name]));

/** `TLV (11542)`, or the bare number where we know no name. */
export function contentFormatName(contentFormat: number): string {
  const name = NAMES.get(contentFormat);
  return name ? `${name} (${contentFormat})` : String(contentFormat);
}

/** Where a payload was read from and what types its values have. */
export interface CodecContext {
  /** The request's path: TLV, text, opaque and CBOR payloads are relative to it. */
  readonly path: Lwm2mPath;
  /** The device's alternate root, which names that are read may begin with; `/` or absent where it has none. */
  readonly rootPath?: string;
  /** Whether names that are written begin with it (LwM2M Transport 1.2.2 section 6.4.1). */
  readonly writesRoot?: boolean;
  readonly models: ModelView;
  /** Receipt, ms since the epoch: the base of relative SenML times. */
  readonly nowMs: number;
}

export interface Codec {
  readonly contentFormat: number;
  /** @throws MooringError with the codec's code (TLV_INVALID, CBOR_INVALID ...) for anything malformed; never another error */
  decode(payload: Uint8Array, context: CodecContext): ResourceValue[];
  /** @throws MooringError VALUE_TYPE where a value does not fit its type, CONTENT_FORMAT_UNSUPPORTED where the format cannot say it */
  encode(values: readonly ResourceValue[], context: CodecContext): Uint8Array;
}
