/** Create: how its payload names the new instance, and how its answer does (LwM2M Core 1.1.1 section 6.3.6). Pure. */
import { EMPTY_BYTES } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import type { CoapResponse } from "../../coap/request.ts";
import { CONTENT_FORMAT, type CodecContext, contentFormatName } from "../codecs/codec.ts";
import { codecFor } from "../codecs/codec-table.ts";
import { writeTlv } from "../codecs/tlv-wire.ts";
import { type Lwm2mPath, parsePath, UNNUMBERED_INSTANCE } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import type { ResourceValue } from "../resource-value.ts";
import { segmentsOf } from "../wire/to-coap.ts";
import type { CreateOptions } from "./requests.ts";

const TLV: readonly number[] = [CONTENT_FORMAT.TLV, CONTENT_FORMAT.OLD_TLV];

const cannotSay = (contentFormat: number, what: string): MooringError =>
  new MooringError("CONTENT_FORMAT_UNSUPPORTED", `${contentFormatName(contentFormat)} cannot say ${what}, TLV can`, {
    contentFormat,
  });

/**
 * TLV holds an Object Instance with its id, or resources alone; LwM2M CBOR has a number for none; in the other formats every name
 * begins with an instance.
 * @param instanceId see {@link CreateOptions}
 * @param context    with the path of the object
 */
export function encodeInstance(
  contentFormat: number,
  values: readonly ResourceValue[],
  instanceId: CreateOptions["instanceId"],
  context: CodecContext,
): Uint8Array {
  const codec = codecFor(contentFormat);
  const isTlv = TLV.includes(contentFormat);
  const [first] = values;
  if (!first && typeof instanceId === "number") {
    if (!isTlv) throw cannotSay(contentFormat, "an instance without resources");
    return writeTlv("objectInstance", instanceId, EMPTY_BYTES);
  }
  if (instanceId !== "any") return codec.encode(values, context);
  const unnumbered = values.map(value => ({ ...value, path: value.path.with(1, UNNUMBERED_INSTANCE) }));
  return codec.encode(unnumbered, context);
}

/** The path in Location-Path, below the device's root; undefined where there is none or it is no path. */
export function createdPath({ rootPath }: Registration, { locationPath }: CoapResponse): Lwm2mPath | undefined {
  const root = segmentsOf(rootPath, []);
  const isBelow = locationPath && root.every((segment, i) => locationPath[i] === segment);
  if (!isBelow) return undefined;
  try {
    const path = parsePath(locationPath.slice(root.length).join("/"));
    return path.length === 0 ? undefined : path;
  } catch {
    return undefined;
  }
}
