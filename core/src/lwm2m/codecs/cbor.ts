/** CBOR (Content-Format 60): one resource or resource instance (LwM2M Core 1.1.1 section 7.4.3, table C.2-1). */
import { MooringError } from "../../base/errors.ts";
import { formatPath } from "../path.ts";
import { isObjectLink, type ResourceType, type ResourceValue, type ScalarValue } from "../resource-value.ts";
import { type CborItem, type CborScalar, decodeCborItem, encodeCborItem } from "./cbor-item.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import { assertScalar, describeValue, fitScalar, formatObjectLinkText, naturalType } from "./scalar.ts";
import { assertSingle, onlyValue } from "./single.ts";

/** @returns whether the item is a single value rather than a structure or null */
export function isCborScalar(item: CborItem): item is CborScalar {
  if (item === null || item === undefined) return false;
  return typeof item !== "object" || item instanceof Uint8Array || "epochSeconds" in item;
}

function decode(payload: Uint8Array, context: CodecContext): ResourceValue[] {
  const { path, declared } = assertSingle(context, CONTENT_FORMAT.CBOR);
  const item = decodeCborItem(payload, "CBOR_INVALID");
  const type = declared ?? (isCborScalar(item) ? naturalType(item) : "OPAQUE");
  const value = isCborScalar(item) ? fitScalar(item, type) : undefined;
  if (value === undefined) {
    throw new MooringError("CBOR_INVALID", `${formatPath(path)}: ${describeValue(item)} is no ${type}`, {
      path: formatPath(path),
      type,
    });
  }
  return [{ path, type, value }];
}

/** Times go out as plain integers: clients that write date text cannot all read it. Object links are text `a:b`. */
export function cborItemOf(value: ScalarValue, type: ResourceType): CborItem {
  if (typeof value === "object" && !(value instanceof Uint8Array)) {
    return isObjectLink(value) ? formatObjectLinkText(value) : undefined;
  }
  return type === "FLOAT" ? { float: Number(value) } : value;
}

function encode(values: readonly ResourceValue[], context: CodecContext): Uint8Array {
  const { path, type, value } = onlyValue(values, context, CONTENT_FORMAT.CBOR);
  assertScalar(path, type, value);
  return encodeCborItem(cborItemOf(value, type));
}

export const cborCodec: Codec = { contentFormat: CONTENT_FORMAT.CBOR, decode, encode };
