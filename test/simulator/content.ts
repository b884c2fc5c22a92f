/** Payloads of a simulated device: text, opaque and TLV, out and in. */
import {
  findResource,
  type Path,
  type ResourceType,
  type ResourceValue,
  type SimulatedObjects,
  type SimulatedResource,
} from "./resource.ts";
import { entryValue, instanceTlv, objectTlv, resourceTlv, valueBytes, writtenResources } from "./tlv.ts";

export const TEXT = 0;
export const LINK_FORMAT = 40;
export const OPAQUE = 42;
export const TLV = 11542;
/** The number TLV had before LwM2M 1.0 was final; still asked for. */
const OLD_TLV = 1542;

export interface Content {
  readonly format: number;
  readonly payload: Buffer;
}

/** A CoAP response code where something cannot be done. */
export interface Refusal {
  readonly refused: string;
}

const isSingle = (value: SimulatedResource["value"]): value is ResourceValue =>
  value !== undefined && !(value instanceof Map);

const toText = (value: ResourceValue): string =>
  typeof value === "boolean" ? (value ? "1" : "0") : value instanceof Uint8Array ? "" : String(value);

/** What Read answers without an Accept option: text or opaque for one value, TLV for all else. */
function preferredFormat(resource: SimulatedResource | undefined): number {
  if (!resource || !isSingle(resource.value)) return TLV;
  return resource.type === "opaque" ? OPAQUE : TEXT;
}

function tlvAt(objects: SimulatedObjects, path: Path): Buffer | undefined {
  const object = objects.get(path[0] ?? -1);
  if (path.length === 1) return object && objectTlv(object);
  const instance = object?.get(path[1]!);
  if (path.length === 2) return instance && instanceTlv(instance);
  const resource = instance?.get(path[2]!);
  return resource && resourceTlv(path[2]!, resource);
}

/** Representation of a path, in the format asked for or the usual one. */
export function readContent(objects: SimulatedObjects, path: Path, accept?: number): Content | Refusal {
  const resource = findResource(objects, path);
  if (path.length > 3 || path.length === 0) return { refused: "4.04" };
  if (resource && resource.value === undefined) return { refused: "4.05" };
  const format = accept === OLD_TLV ? TLV : (accept ?? preferredFormat(resource));
  const tlv = tlvAt(objects, path);
  if (!tlv) return { refused: "4.04" };
  if (format === TLV) return { format: accept ?? TLV, payload: tlv };
  if (!resource || !isSingle(resource.value)) return { refused: "4.06" };
  if (format === OPAQUE && resource.type === "opaque") {
    return { format, payload: valueBytes("opaque", resource.value) };
  }
  if (format === TEXT && resource.type !== "opaque") return { format, payload: Buffer.from(toText(resource.value)) };
  return { refused: "4.06" };
}

function fromText(type: ResourceType, text: string): ResourceValue | undefined {
  if (type === "string") return text;
  if (type === "boolean") return text === "1" || text === "true" ? true : text === "0" ? false : undefined;
  if (type === "opaque") return Buffer.from(text, "base64");
  const value = Number(text);
  return text !== "" && Number.isFinite(value) ? value : undefined;
}

export interface Written {
  readonly path: Path;
  readonly value: ResourceValue | ReadonlyMap<number, ResourceValue>;
}

function decode(objects: SimulatedObjects, path: Path, format: number, payload: Buffer): Written[] | Refusal {
  const resource = findResource(objects, path);
  if (format === TLV || format === OLD_TLV) {
    const instance = path.slice(0, 2);
    return writtenResources(payload).map(each => {
      const at = [...instance, each.id];
      const target = findResource(objects, at);
      return { path: at, value: target ? entryValue(target.type, each) : each.value };
    });
  }
  if (!resource) return { refused: "4.04" };
  if (format === OPAQUE) return [{ path, value: Uint8Array.from(payload) }];
  if (format !== TEXT) return { refused: "4.15" };
  const value = fromText(resource.type, payload.toString("utf8"));
  return value === undefined ? { refused: "4.00" } : [{ path, value }];
}

/** Applies a Write whole or not at all. @returns what changed, or the code that refuses it */
export function writeContent(
  objects: SimulatedObjects,
  path: Path,
  format: number,
  payload: Buffer,
): readonly Written[] | Refusal {
  if (path.length < 2 || path.length > 3) return { refused: "4.05" };
  if (!objects.get(path[0]!)?.has(path[1]!)) return { refused: "4.04" };
  let written: Written[] | Refusal;
  try {
    written = decode(objects, path, format, payload);
  } catch {
    return { refused: "4.00" };
  }
  if ("refused" in written) return written;
  for (const each of written) {
    const resource = findResource(objects, each.path);
    if (!resource) return { refused: "4.04" };
    if (!resource.writable) return { refused: "4.05" };
  }
  for (const each of written) findResource(objects, each.path)!.value = each.value;
  return written;
}
