/**
 * TLV (Content-Format 11542, in old clients 1542): LwM2M TS 1.0.2 section 6.4.3, Core 1.1.1 section 7.4.5.
 * Payloads are relative to the request's path. Clients differ in whether they wrap: object instance TLVs round the
 * resources of a single instance, a multiple resource TLV round bare resource instances; both ways are read wherever the
 * path leaves no doubt.
 */
import { concatBytes, EMPTY_BYTES } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import { formatPath, isBelow, type Lwm2mPath, UNNUMBERED_INSTANCE } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import { assertEncodable } from "./scalar.ts";
import { readTlvValue, TLV_SIZES, writeTlvValue } from "./tlv-value.ts";
import { readTlvs, type Tlv, writeTlv } from "./tlv-wire.ts";

const invalid = (message: string, details: Record<string, unknown>): MooringError =>
  new MooringError("TLV_INVALID", message, details);

/** The type of an unknown resource is OPAQUE, so that nothing is guessed. */
function toValue(content: Uint8Array, path: Lwm2mPath, { path: asked, models }: CodecContext): ResourceValue {
  if (!isBelow(path, asked)) {
    throw invalid(`the payload holds ${formatPath(path)}, which does not lie below ${formatPath(asked)}`, {
      path: formatPath(path),
      asked: formatPath(asked),
    });
  }
  const type = models.resource(path[0]!, path[2]!)?.dataType ?? "OPAQUE";
  const value = readTlvValue(content, type);
  if (value === undefined) {
    throw invalid(`${formatPath(path)}: ${content.length} bytes are no ${type} (${TLV_SIZES[type]})`, {
      path: formatPath(path),
      type,
      length: content.length,
    });
  }
  return { path, type, value };
}

function resourceInstances(tlvs: readonly Tlv[], resource: Lwm2mPath, context: CodecContext): ResourceValue[] {
  return tlvs.map(({ kind, id, content }) => {
    if (kind !== "resourceInstance") {
      throw invalid(`${formatPath(resource)} holds a TLV of kind ${kind} in place of resource instances`, { id, kind });
    }
    return toValue(content, [...resource, id], context);
  });
}

function resources(tlvs: readonly Tlv[], instance: Lwm2mPath, context: CodecContext): ResourceValue[] {
  return tlvs.flatMap(({ kind, id, content }) => {
    const path = [...instance, id];
    if (kind === "resource") return [toValue(content, path, context)];
    if (kind === "multipleResource") return resourceInstances(readTlvs(content), path, context);
    throw invalid(`${formatPath(instance)} holds a TLV of kind ${kind} in place of resources`, { id, kind });
  });
}

/** The instance that unwrapped resources belong to: the path's own, else 0 unless the object may have several. */
function instanceOf({ path, models }: CodecContext): Lwm2mPath {
  if (path.length >= 2) return path.slice(0, 2);
  if (models.object(path[0]!)?.multiple) {
    throw invalid(`resources of ${formatPath(path)} come without an object instance, and the object may have several`, {
      path: formatPath(path),
    });
  }
  return [path[0]!, 0];
}

function decode(payload: Uint8Array, context: CodecContext): ResourceValue[] {
  const { path } = context;
  if (path.length === 0) throw invalid("TLV needs the path of an object", { path: "/" });
  return readTlvs(payload).flatMap(tlv => {
    if (tlv.kind === "objectInstance") return resources(readTlvs(tlv.content), [path[0]!, tlv.id], context);
    if (tlv.kind !== "resourceInstance") return resources([tlv], instanceOf(context), context);
    if (path.length >= 3) return resourceInstances([tlv], path.slice(0, 3), context);
    throw invalid(`resource instance ${tlv.id} stands outside a resource`, { id: tlv.id, path: formatPath(path) });
  });
}

/** Values of one instance grouped by resource id, in the order of first appearance. */
function byId(values: readonly ResourceValue[], level: number): Map<number, ResourceValue[]> {
  return Map.groupBy(values, ({ path }) => path[level]!);
}

const bytesOf = ({ value, type }: ResourceValue): Uint8Array => writeTlvValue(value, type);

function writeResource(id: number, values: readonly ResourceValue[]): Uint8Array {
  const [first] = values;
  if (first!.path.length === 3 && values.length === 1) return writeTlv("resource", id, bytesOf(first!));
  const instances = byId(values, 3);
  if (instances.size !== values.length || instances.has(undefined as never)) {
    const path = formatPath(first!.path.slice(0, 3));
    throw new MooringError("VALUE_TYPE", `${path} is given more than once`, { path });
  }
  const parts = values.map(value => writeTlv("resourceInstance", value.path[3]!, bytesOf(value)));
  return writeTlv("multipleResource", id, concatBytes(parts));
}

const writeResources = (values: readonly ResourceValue[]): Uint8Array =>
  concatBytes([...byId(values, 2)].map(([id, group]) => writeResource(id, group)));

function assertWritable(values: readonly ResourceValue[], asked: Lwm2mPath): void {
  if (asked.length === 0) {
    throw new MooringError("CONTENT_FORMAT_UNSUPPORTED", "TLV cannot hold several objects", { path: "/" });
  }
  for (const value of values) assertEncodable(value, asked);
}

/** No values at the path of a multiple resource: the empty resource, which takes all its instances away. */
function writeNothing({ path, models }: CodecContext): Uint8Array {
  const multiple = path.length === 3 && models.resource(path[0]!, path[2]!)?.multiple;
  return multiple ? writeTlv("multipleResource", path[2]!, EMPTY_BYTES) : EMPTY_BYTES;
}

/**
 * Object path: resources wrapped in their object instances. Instance and resource path: unwrapped. Resource instance path:
 * a bare resource instance. A Create that leaves the instance's number to the device has the form of an instance path
 * (Core 1.1.1 section 6.3.6).
 */
function encode(values: readonly ResourceValue[], context: CodecContext): Uint8Array {
  assertWritable(values, context.path);
  if (values.length === 0) return writeNothing(context);
  if (context.path.length === 4) return writeTlv("resourceInstance", context.path[3]!, bytesOf(values[0]!));
  if (context.path.length > 1 || values.every(({ path }) => path[1] === UNNUMBERED_INSTANCE))
    return writeResources(values);
  return concatBytes([...byId(values, 1)].map(([id, group]) => writeTlv("objectInstance", id, writeResources(group))));
}

export const tlvCodec: Codec = { contentFormat: CONTENT_FORMAT.TLV, decode, encode };
