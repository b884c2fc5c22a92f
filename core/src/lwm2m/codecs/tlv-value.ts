/** Bytes of single values in TLV (LwM2M TS 1.0.2 appendix C, Core 1.1.1 table C.2-1). */
import { decodeUtf8, EMPTY_BYTES, encodeUtf8 } from "../../base/bytes.ts";
import type { ObjectLinkValue, ResourceType, ScalarValue } from "../resource-value.ts";
import { exactInteger } from "./scalar.ts";

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function readSigned(bytes: Uint8Array): number | bigint | undefined {
  if (bytes.length === 1) return viewOf(bytes).getInt8(0);
  if (bytes.length === 2) return viewOf(bytes).getInt16(0);
  if (bytes.length === 4) return viewOf(bytes).getInt32(0);
  return bytes.length === 8 ? exactInteger(viewOf(bytes).getBigInt64(0)) : undefined;
}

function readUnsigned(bytes: Uint8Array): number | bigint | undefined {
  if (bytes.length === 1) return bytes[0];
  if (bytes.length === 2) return viewOf(bytes).getUint16(0);
  if (bytes.length === 4) return viewOf(bytes).getUint32(0);
  return bytes.length === 8 ? exactInteger(viewOf(bytes).getBigUint64(0)) : undefined;
}

function readFloat(bytes: Uint8Array): number | undefined {
  if (bytes.length === 4) return viewOf(bytes).getFloat32(0);
  return bytes.length === 8 ? viewOf(bytes).getFloat64(0) : undefined;
}

/** Bytes that each type may have, for the error. */
export const TLV_SIZES: Readonly<Record<ResourceType, string>> = {
  STRING: "UTF-8 text",
  CORELINK: "UTF-8 text",
  INTEGER: "1, 2, 4 or 8 bytes",
  UNSIGNED_INTEGER: "1, 2, 4 or 8 bytes",
  TIME: "1, 2, 4 or 8 bytes",
  FLOAT: "4 or 8 bytes",
  BOOLEAN: "one byte, 0 or 1",
  OPAQUE: "any bytes",
  OBJECTLINK: "4 bytes",
};

/** @returns the value, or undefined where the bytes are none of that type; OPAQUE is a view */
export function readTlvValue(bytes: Uint8Array, type: ResourceType): ScalarValue | undefined {
  switch (type) {
    case "STRING":
    case "CORELINK":
      return decodeUtf8(bytes);
    case "INTEGER":
    case "TIME":
      return readSigned(bytes);
    case "UNSIGNED_INTEGER":
      return readUnsigned(bytes);
    case "FLOAT":
      return readFloat(bytes);
    case "BOOLEAN":
      return bytes.length === 1 && bytes[0]! < 2 ? bytes[0] === 1 : undefined;
    case "OPAQUE":
      return bytes;
    case "OBJECTLINK":
      if (bytes.length !== 4) return undefined;
      return { objectId: viewOf(bytes).getUint16(0), instanceId: viewOf(bytes).getUint16(2) };
  }
}

/** The shortest of 1, 2, 4, 8 bytes. */
function integerBytes(value: bigint, signed: boolean): Uint8Array {
  const fits = (bits: number): boolean => (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
  const length = [1, 2, 4].find(bytes => fits(8 * bytes)) ?? 8;
  const whole = new Uint8Array(8);
  viewOf(whole).setBigInt64(0, BigInt.asIntN(64, value));
  return whole.subarray(8 - length);
}

/** Four bytes where nothing is lost by them. */
function floatBytes(value: number): Uint8Array {
  const short = Object.is(Math.fround(value), value);
  const bytes = new Uint8Array(short ? 4 : 8);
  if (short) viewOf(bytes).setFloat32(0, value);
  else viewOf(bytes).setFloat64(0, value);
  return bytes;
}

function linkBytes({ objectId, instanceId }: ObjectLinkValue): Uint8Array {
  return Uint8Array.of(objectId >> 8, objectId & 0xff, instanceId >> 8, instanceId & 0xff);
}

/** @param value of that type (assertScalar in scalar.ts) */
export function writeTlvValue(value: ScalarValue, type: ResourceType): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return value === "" ? EMPTY_BYTES : encodeUtf8(value);
  if (typeof value === "boolean") return Uint8Array.of(value ? 1 : 0);
  if (typeof value === "object") return linkBytes(value);
  if (type === "FLOAT") return floatBytes(Number(value));
  return integerBytes(BigInt(value), type !== "UNSIGNED_INTEGER");
}
