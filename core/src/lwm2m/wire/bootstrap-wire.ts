/** The Bootstrap interface as CoAP (LwM2M Core 1.1.1 section 6.1.7, Transport 1.1.1 section 6.4.2): what a device asks, and what ends a session. */
import { EMPTY_BYTES } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import type { CoapRequest } from "../../coap/request.ts";
import { CONTENT_FORMAT, contentFormatName } from "../codecs/codec.ts";
import { endpointName } from "./registration-query.ts";

/** Bootstrap-Request. */
export interface BootstrapRequest {
  /** [ep] Absent: the device means to be known by what it proved to the transport. */
  readonly endpoint: string | undefined;
  /** [pct] One of {@link BOOTSTRAP_FORMATS}; absent where the device leaves it to the server. */
  readonly preferredFormat: number | undefined;
}

/** What object instances can be written in. */
export const BOOTSTRAP_FORMATS: readonly number[] = [
  CONTENT_FORMAT.TLV,
  CONTENT_FORMAT.SENML_JSON,
  CONTENT_FORMAT.SENML_CBOR,
  CONTENT_FORMAT.JSON,
];

const LARGEST_CONTENT_FORMAT = 65_535;

/** Of a repeated key the first counts; `pct` without a value asks for nothing. */
function queryValue(query: readonly string[], key: string): string | undefined {
  const found = query.find(part => part === key || part.startsWith(`${key}=`));
  return found?.slice(key.length + 1);
}

/** A format that is not ours is refused with 4.00, the only refusal that section 6.1.7.1 has. */
function preferredFormat(text: string): number {
  const refuse = (rule: string): MooringError =>
    new MooringError("QUERY_INVALID", `query pct="${text}" ${rule}`, { key: "pct", value: text });
  const format = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(format <= LARGEST_CONTENT_FORMAT)) throw refuse("must be the number of a Content-Format");
  if (BOOTSTRAP_FORMATS.includes(format)) return format;
  throw refuse(`is none of ${BOOTSTRAP_FORMATS.map(contentFormatName).join(", ")}`);
}

/**
 * @throws MooringError NOT_FOUND for another path, `/bspack` of LwM2M 1.2 among them: its devices go on with `/bs` then;
 *         METHOD_NOT_ALLOWED; QUERY_INVALID naming `ep` or `pct`
 */
export function readBootstrapRequest({ method, path, query }: CoapRequest): BootstrapRequest {
  const length = path.at(-1) === "" ? path.length - 1 : path.length;
  if (path[0] !== "bs" || length !== 1) {
    throw new MooringError("NOT_FOUND", `nothing at /${path.join("/")}`, { path: path.join("/") });
  }
  if (method !== "POST") throw new MooringError("METHOD_NOT_ALLOWED", `${method} is not for /bs`, { method });
  const endpoint = queryValue(query, "ep");
  const format = queryValue(query, "pct");
  return {
    endpoint: endpoint === undefined ? undefined : endpointName(endpoint),
    preferredFormat: format ? preferredFormat(format) : undefined,
  };
}

/** Bootstrap-Finish (section 6.1.7.2): the device checks what it was given. */
export const BOOTSTRAP_FINISH: CoapRequest = Object.freeze({
  method: "POST",
  path: ["bs"],
  query: [],
  payload: EMPTY_BYTES,
});
