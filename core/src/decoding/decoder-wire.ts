/** How a resource's value is written for decoders, in the sandbox and behind HTTP alike (agent specification 9.3). */
import { encodeUtf8, toHex } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import { isObjectLink, type ResourceType, type ScalarValue } from "../lwm2m/resource-value.ts";

const MS_PER_SECOND = 1000n;

const wrongValue = (type: ResourceType, value: ScalarValue): MooringError =>
  new MooringError("VALUE_TYPE", `a value of type ${type} cannot be ${typeof value}`, { type });

function wholeNumber(type: ResourceType, value: ScalarValue): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw wrongValue(type, value);
}

/** Two's complement, so that the 64 bits of an unsigned value are the same as those of a signed one. */
function eightBytes(type: ResourceType, value: bigint): Uint8Array {
  if (value < -(2n ** 63n) || value >= 2n ** 64n) {
    throw new MooringError("VALUE_TYPE", `${value} does not fit into 8 bytes`, { type });
  }
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt.asUintN(64, value));
  return new Uint8Array(bytes.buffer);
}

function floatBytes(type: ResourceType, value: ScalarValue): Uint8Array {
  if (typeof value !== "number") throw wrongValue(type, value);
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value);
  return new Uint8Array(bytes.buffer);
}

function text(type: ResourceType, value: ScalarValue): Uint8Array {
  if (typeof value !== "string") throw wrongValue(type, value);
  return encodeUtf8(value);
}

type Write = (type: ResourceType, value: ScalarValue) => Uint8Array;

const integer: Write = (type, value) => eightBytes(type, wholeNumber(type, value));

const WRITERS: Readonly<Record<ResourceType, Write>> = {
  OPAQUE(type, value) {
    if (!(value instanceof Uint8Array)) throw wrongValue(type, value);
    return value;
  },
  INTEGER: integer,
  UNSIGNED_INTEGER: integer,
  FLOAT: floatBytes,
  STRING: text,
  CORELINK: text,
  TIME: (type, value) => eightBytes(type, wholeNumber(type, value) * MS_PER_SECOND),
  BOOLEAN(type, value) {
    if (typeof value !== "boolean") throw wrongValue(type, value);
    return Uint8Array.of(value ? 1 : 0);
  },
  OBJECTLINK(type, value) {
    if (!isObjectLink(value)) throw wrongValue(type, value);
    return encodeUtf8(`${value.objectId}:${value.instanceId}`);
  },
};

/**
 * Bytes of a value. OPAQUE unchanged (the same array); INTEGER, UNSIGNED_INTEGER 8 bytes big-endian; FLOAT 8 bytes IEEE 754
 * big-endian; STRING, CORELINK their characters in UTF-8; TIME 8 bytes big-endian, milliseconds since 1970; BOOLEAN one
 * byte; OBJECTLINK the text `object:instance`.
 * @throws MooringError VALUE_TYPE when the value is not of the type, or needs more than 64 bits
 */
export const decoderBytes = (type: ResourceType, value: ScalarValue): Uint8Array => WRITERS[type](type, value);

/** `decoderData` of the platform's event, and the body of `POST <decoder>/decode`. */
export interface DecoderRequest {
  readonly serviceKey: string;
  /** Lower-case hexadecimal. */
  readonly value: string;
  readonly args: { readonly resourcePath: string };
  /** Managed object id of the device. */
  readonly sourceDeviceId: string;
  readonly status: "PENDING" | "IN_PROGRESS" | "ERROR";
}

export const decoderRequest = (
  payload: { readonly decoder: string; readonly bytes: Uint8Array; readonly path: string; readonly deviceId: string },
  status: DecoderRequest["status"],
): DecoderRequest => ({
  serviceKey: payload.decoder,
  value: toHex(payload.bytes),
  args: { resourcePath: payload.path },
  sourceDeviceId: payload.deviceId,
  status,
});
