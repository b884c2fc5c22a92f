/** LwM2M TLV (LwM2M TS 1.0.2 section 6.4.3), written for the simulator alone so that it checks the host's codec. */
import type { ResourceType, ResourceValue, SimulatedInstance, SimulatedObject, SimulatedResource } from "./resource.ts";

const OBJECT_INSTANCE = 0;
const RESOURCE_INSTANCE = 1;
const MULTIPLE_RESOURCE = 2;
const RESOURCE_WITH_VALUE = 3;

/** One entry: type byte, identifier in 1 or 2 bytes, length in 0 to 3 bytes, value. */
function entry(kind: number, id: number, value: Buffer): Buffer {
  const size = value.length;
  const lengthBytes = size < 8 ? 0 : size < 0x100 ? 1 : size < 0x10000 ? 2 : 3;
  const header = [(kind << 6) | (id > 0xff ? 0x20 : 0) | (lengthBytes << 3) | (lengthBytes === 0 ? size : 0)];
  if (id > 0xff) header.push(id >> 8);
  header.push(id & 0xff);
  for (let at = lengthBytes - 1; at >= 0; at--) header.push((size >> (8 * at)) & 0xff);
  return Buffer.concat([Buffer.from(header), value]);
}

/** Smallest of 1, 2, 4 and 8 bytes, two's complement, big-endian. */
function integerBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(Math.trunc(value)));
  const size = [1, 2, 4].find(size => value >= -(2 ** (8 * size - 1)) && value < 2 ** (8 * size - 1)) ?? 8;
  return bytes.subarray(8 - size);
}

function floatBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

/** A value's bytes as TLV and opaque carry them. */
export function valueBytes(type: ResourceType, value: ResourceValue): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === "boolean") return Buffer.from([value ? 1 : 0]);
  if (typeof value === "string") return Buffer.from(value);
  return type === "float" ? floatBytes(value) : integerBytes(value);
}

export function resourceTlv(id: number, { type, value }: SimulatedResource): Buffer {
  if (value === undefined) return Buffer.alloc(0);
  if (!(value instanceof Map)) return entry(RESOURCE_WITH_VALUE, id, valueBytes(type, value as ResourceValue));
  const parts = [...value].map(([instance, each]) => entry(RESOURCE_INSTANCE, instance, valueBytes(type, each)));
  return entry(MULTIPLE_RESOURCE, id, Buffer.concat(parts));
}

export const instanceTlv = (instance: SimulatedInstance): Buffer =>
  Buffer.concat([...instance].map(([id, resource]) => resourceTlv(id, resource)));

export const objectTlv = (object: SimulatedObject): Buffer =>
  Buffer.concat([...object].map(([id, instance]) => entry(OBJECT_INSTANCE, id, instanceTlv(instance))));

export interface TlvEntry {
  readonly kind: number;
  readonly id: number;
  readonly value: Buffer;
}

/** @throws Error when an entry runs past the payload */
export function readTlv(bytes: Buffer): TlvEntry[] {
  const entries: TlvEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const type = bytes.readUInt8(at);
    const idBytes = type & 0x20 ? 2 : 1;
    const lengthBytes = (type >> 3) & 3;
    const id = bytes.readUIntBE(at + 1, idBytes);
    const length = lengthBytes === 0 ? type & 7 : bytes.readUIntBE(at + 1 + idBytes, lengthBytes);
    const start = at + 1 + idBytes + lengthBytes;
    if (start + length > bytes.length) throw new Error(`TLV entry ${id} runs past the payload`);
    entries.push({ kind: type >> 6, id, value: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return entries;
}

/** Resources of a Write payload: that of an object instance, of one resource, or wrapped in its instance. */
export function writtenResources(bytes: Buffer): TlvEntry[] {
  return readTlv(bytes).flatMap(each => (each.kind === OBJECT_INSTANCE ? readTlv(each.value) : [each]));
}

/** @throws Error when the bytes do not fit the type */
export function valueFrom(type: ResourceType, bytes: Buffer): ResourceValue {
  if (type === "opaque") return Uint8Array.from(bytes);
  if (type === "string") return bytes.toString("utf8");
  if (type === "boolean" && bytes.length === 1) return bytes[0] === 1;
  if (type === "float" && bytes.length === 4) return bytes.readFloatBE();
  if (type === "float" && bytes.length === 8) return bytes.readDoubleBE();
  if (bytes.length === 8) return Number(bytes.readBigInt64BE());
  if ([1, 2, 4].includes(bytes.length)) return bytes.readIntBE(0, bytes.length);
  throw new Error(`${bytes.length} bytes are no ${type}`);
}

/** Resource values of one TLV resource entry, single or multiple. */
export function entryValue(type: ResourceType, { kind, value }: TlvEntry): ResourceValue | Map<number, ResourceValue> {
  if (kind !== MULTIPLE_RESOURCE) return valueFrom(type, value);
  return new Map(readTlv(value).map(each => [each.id, valueFrom(type, each.value)]));
}
