/**
 * Values of one message and the device protocols of a tenant to effects (agent specification 7.3, 8, 15.3, 16.3). Pure: what
 * it needs to know comes in, nothing is looked up, stored or waited for.
 */
import { messageOf } from "../base/errors.ts";
import type { DeviceView, Effect } from "../contract/action.ts";
import type { DeviceProtocol, MeasurementCreation, ResourceMapping } from "../device-protocols/device-protocol.ts";
import type { ResourceModel } from "../lwm2m/model/object-model.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import { type ActionRegistry, DECODER_PREFIX } from "./action-registry.ts";
import { effectRule } from "./check-effect.ts";
import { runDefaultHandlers } from "./default-handlers.ts";
import type { MappingSettings } from "./device-settings.ts";
import { createFailureAlarms, type FailureAlarms } from "./failure-alarms.ts";
import { keepableValues } from "./keepable-values.ts";
import { isTooLong, lastValueEffects, unreadableEffects } from "./last-values.ts";
import { createMeasurementDrafts, type MeasurementDrafts } from "./measurement-drafts.ts";
import { type MessageTimes, messageTimes } from "./source-times.ts";
import { type ConversionOptions, isEmptyValue, toJsonValue, toMeasurementNumber } from "./value-conversion.ts";

export interface MapInput {
  readonly values: readonly ResourceValue[];
  /** Path of the read or observation that was answered; `[]` for Send and for composite requests. */
  readonly requestPath: Lwm2mPath;
  /** What a composite request was for. */
  readonly compositePaths?: readonly Lwm2mPath[] | undefined;
  /** Everything that the device holds at `requestPath`, or at those of a composite request, is in `values`: a read or a notification, not Send. */
  readonly fullRead: boolean;
  /** Somebody asked for whole instances to see them: what cannot be read of them is shown too. */
  readonly showsUnreadable?: boolean;
  readonly receivedAtMs: number;
  readonly device: DeviceView;
  readonly settings: MappingSettings;
  /** Types of open failure alarms of the device. */
  readonly openAlarms: ReadonlySet<string>;
  /** Last known value before this message, for the resources that {@link missingLastValues} names. */
  lastValue(path: Lwm2mPath): ResourceValue["value"] | undefined;
}

export interface MapParts {
  /** The device protocol in force for a tenant; undefined when there is no DDF for the object. */
  protocol(tenant: string, objectId: number): Pick<DeviceProtocol, "objectModel" | "resourceMappings"> | undefined;
  readonly actions: ActionRegistry;
  readonly conversion?: ConversionOptions;
}

/** One action that did not do its work; the others did. Worth a log line. */
export interface MapFailure {
  readonly path: string;
  /** Name of the action, or `handler`. */
  readonly action: string;
  readonly reason: string;
}

export interface MapResult {
  /** In order: last values, measurements, then what each value's other actions made, failure alarms, default handlers. */
  readonly effects: readonly Effect[];
  readonly failures: readonly MapFailure[];
}

/** What one message gathers while its values are walked through. */
interface Message {
  readonly parts: MapParts;
  readonly device: DeviceView;
  readonly drafts: MeasurementDrafts;
  readonly alarms: FailureAlarms;
  readonly effects: Effect[];
  readonly failures: MapFailure[];
}

function fail(message: Message, path: Lwm2mPath, action: string, reason: string): void {
  message.failures.push({ path: formatPath(path), action, reason });
}

function unitOf(
  mapped: string | null | undefined,
  resource: ResourceModel | undefined,
  value: ResourceValue,
): string | undefined {
  return mapped || resource?.units || (value.type === "TIME" ? "s" : undefined);
}

function measure(
  message: Message,
  mapping: MeasurementCreation,
  value: ResourceValue,
  atMs: number,
  resource: ResourceModel | undefined,
): void {
  const number = toMeasurementNumber(value.value, value.type, message.parts.conversion);
  if (number === undefined) {
    message.alarms.notNumeric(value, atMs);
    return;
  }
  const unit = unitOf(mapping.unit, resource, value);
  message.drafts.add(mapping, unit ? { value: number, unit } : { value: number }, atMs, value.path);
  message.alarms.numeric(value, atMs);
}

/** Effects of a plugin, each checked on its own. */
function take(message: Message, path: Lwm2mPath, action: string, made: readonly Effect[]): void {
  for (const effect of made) {
    const rule = effectRule(effect);
    if (rule === undefined) message.effects.push(effect);
    else fail(message, path, action, rule);
  }
}

function runCustomAction(
  message: Message,
  name: string,
  value: ResourceValue,
  atMs: number,
  resource: ResourceModel | undefined,
): void {
  if (name.startsWith(DECODER_PREFIX)) {
    message.effects.push({ kind: "decode", decoder: name.slice(DECODER_PREFIX.length), value, atMs });
    return;
  }
  const action = message.parts.actions.action(name);
  if (!action) fail(message, value.path, name, "no such action");
  else take(message, value.path, name, action.run({ value, atMs, device: message.device, resource }));
}

/** Runs one configured action; what it throws is a failure of this action alone (agent specification 8.5). */
function attempt(message: Message, path: Lwm2mPath, action: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    fail(message, path, action, messageOf(error));
  }
}

function runMapping(
  message: Message,
  mapping: ResourceMapping,
  value: ResourceValue,
  atMs: number,
  resource: ResourceModel | undefined,
): void {
  if (mapping.skipIfEmpty && isEmptyValue(value.value)) return;
  const { measurementCreation: measurement, alarmCreation: alarm, eventCreation: event, customAction } = mapping;
  const { path } = value;
  if (measurement) attempt(message, path, "measurement", () => measure(message, measurement, value, atMs, resource));
  if (alarm || event) {
    const properties = { lwm2m: { path: formatPath(path), value: toJsonValue(value.value) } };
    if (alarm) {
      const { type, text, severity, status } = alarm;
      take(message, path, "alarm", [{ kind: "alarm", type, text, severity, status, atMs, properties }]);
    }
    if (event) take(message, path, "event", [{ kind: "event", type: event.type, text: event.text, atMs, properties }]);
  }
  const name = customAction?.actionName;
  if (name) attempt(message, path, name, () => runCustomAction(message, name, value, atMs, resource));
}

function mapValue(message: Message, value: ResourceValue, atMs: number): void {
  const [objectId, , resourceId] = value.path as readonly [number, number, number];
  const protocol = message.parts.protocol(message.device.tenant, objectId);
  if (!protocol) {
    message.alarms.noMapping(objectId, atMs);
    return;
  }
  message.alarms.mapped(objectId, atMs);
  const mapping = protocol.resourceMappings[resourceId];
  if (mapping) runMapping(message, mapping, value, atMs, protocol.objectModel.resources[resourceId]);
}

/** A resource whose mapping names the action that a default handler runs too must not count twice (agent specification 20-11). */
function withoutRepeats(made: readonly Effect[], earlier: readonly Effect[]): readonly Effect[] {
  if (made.length === 0 || earlier.length === 0) return made;
  const keys = new Set(earlier.filter(({ kind }) => kind !== "decode").map(effect => JSON.stringify(effect)));
  return made.filter(effect => effect.kind === "decode" || !keys.has(JSON.stringify(effect)));
}

function runHandlers(
  message: Message,
  input: MapInput,
  values: readonly ResourceValue[],
  times: MessageTimes,
): Effect[] {
  const effects: Effect[] = [];
  const { device, lastValue } = input;
  runDefaultHandlers(
    { values, ...times, device, actions: message.parts.actions, lastValue },
    {
      effects: made => take({ ...message, effects }, made.path, "handler", made.effects),
      failed: (path, reason) => fail(message, path, "handler", reason),
    },
  );
  return effects;
}

/**
 * Every value runs once, in the order of the message. Two calls with the same input give the same effects, apart from
 * failure alarms that are cleared only while they are known to be open.
 */
export function mapMessage(parts: MapParts, input: MapInput): MapResult {
  const values = keepableValues(input.values);
  const times = messageTimes(values, input.receivedAtMs, input.settings.sourceTimes);
  const message: Message = {
    parts,
    device: input.device,
    drafts: createMeasurementDrafts(),
    alarms: createFailureAlarms(input.openAlarms),
    effects: [],
    failures: [],
  };
  values.forEach((value, at) => {
    if (isTooLong(value)) fail(message, value.path, "lastValue", "the value is too long to be kept");
    mapValue(message, value, times.atMs[at]!);
  });
  const { requestPath, compositePaths, fullRead } = input;
  const handled = input.settings.defaultHandlers ? runHandlers(message, input, values, times) : [];
  const modelOf = (objectId: number) => parts.protocol(input.device.tenant, objectId)?.objectModel;
  return {
    effects: [
      ...lastValueEffects({ values, atMs: times.atMs, requestPath, compositePaths, fullRead }),
      ...(input.showsUnreadable ? unreadableEffects(values, modelOf, input.receivedAtMs) : []),
      ...message.drafts.effects(),
      ...message.effects,
      ...message.alarms.effects(),
      ...withoutRepeats(handled, message.effects),
    ],
    failures: message.failures,
  };
}
