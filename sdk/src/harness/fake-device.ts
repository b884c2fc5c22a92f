/** A device as plugins and decoders see it: what they are given of it, made from paths and values. */
import type {
  ActionInput,
  DecoderInput,
  DeviceData,
  DeviceView,
  InstanceInput,
  ObjectLinkValue,
  ResourceModel,
  ResourceType,
  ResourceValue,
  ScalarValue,
  ValueSource,
} from "@mooring/core";
import { formatPath, MooringError, parsePath } from "@mooring/core";
import { toHex } from "@mooring/core/internal/base/bytes.ts";
import { decoderBytes } from "@mooring/core/internal/decoding/decoder-wire.ts";

export interface FakeDeviceOptions {
  /** Managed object id; default `4711`. */
  readonly id?: string;
  readonly tenant?: string;
  readonly endpoint?: string;
  readonly name?: string;
  /** Of its managed object; a decoder or an action sees those that it asks for. */
  readonly fragments?: Readonly<Record<string, unknown>>;
  /** Default 2026-01-01T00:00:00.000Z. */
  readonly nowMs?: number;
}

export interface ValueOptions {
  /** Default: by the value (`21` INTEGER, `21.5` FLOAT, text STRING, bytes OPAQUE ...). */
  readonly type?: ResourceType;
  /** The value's own time, ms since the epoch. */
  readonly atMs?: number;
}

export interface FakeDevice {
  /** With all of its fragments. */
  readonly view: DeviceView;
  /** @param path `/3303/0/5700`. @throws MooringError PATH_INVALID, VALUE_TYPE */
  value(path: string, value: ScalarValue, options?: ValueOptions): ResourceValue;
  /** What an action is given. @param resource what its object file says of the resource; default: nothing is known of it */
  actionInput(value: ResourceValue, resource?: ResourceModel): ActionInput;
  /**
   * What a default handler is given: values of one object instance.
   * @param known last values of resources that the message lacks, by resource id
   */
  instanceInput(values: readonly ResourceValue[], known?: Readonly<Record<number, ScalarValue>>): InstanceInput;
  /** What a publisher is told. @param source default NOTIFICATION */
  data(values: readonly ResourceValue[], source?: ValueSource): DeviceData;
  /** What a decoder is given of a value: its bytes as the host makes them (agent specification 9.3). */
  decoderInput(value: ResourceValue): DecoderInput;
}

const isLink = (value: object): value is ObjectLinkValue => "objectId" in value;

function typeOf(value: ScalarValue): ResourceType {
  if (typeof value === "string") return "STRING";
  if (typeof value === "boolean") return "BOOLEAN";
  if (typeof value === "bigint") return "INTEGER";
  if (typeof value === "number") return Number.isInteger(value) ? "INTEGER" : "FLOAT";
  return isLink(value) ? "OBJECTLINK" : "OPAQUE";
}

export function createFakeDevice(options: FakeDeviceOptions = {}): FakeDevice {
  const { id = "4711", tenant = "t1", endpoint = "fake-device", nowMs = Date.UTC(2026, 0, 1) } = options;
  const view: DeviceView = { id, tenant, endpoint, name: options.name ?? endpoint, fragments: options.fragments ?? {} };
  return {
    view,
    value(path, value, { type = typeOf(value), atMs } = {}) {
      decoderBytes(type, value);
      return { path: parsePath(path), type, value, ...(atMs !== undefined && { atMs }) };
    },
    actionInput: (value, resource) => ({ value, atMs: value.atMs ?? nowMs, device: view, resource }),
    instanceInput(values, known = {}) {
      const [first] = values;
      if (!first) throw new MooringError("VALIDATION", "values must not be empty", { field: "values" });
      const [objectId = 0, instanceId = 0] = first.path;
      return {
        objectId,
        instanceId,
        values,
        value: resourceId => values.find(({ path }) => path[2] === resourceId)?.value ?? known[resourceId],
        atMs: first.atMs ?? nowMs,
        device: view,
      };
    },
    data: (values, source = "NOTIFICATION") => ({
      tenant,
      deviceId: id,
      endpoint,
      registrationId: "fake-registration",
      source,
      receivedAtMs: nowMs,
      values,
    }),
    decoderInput({ path, type, value, atMs = nowMs }) {
      const bytes = decoderBytes(type, value);
      return {
        value: bytes,
        valueHex: toHex(bytes),
        resourcePath: formatPath(path),
        resourceType: type,
        receivedAt: new Date(atMs).toISOString(),
        sourceDeviceId: id,
        device: view.fragments,
      };
    },
  };
}
