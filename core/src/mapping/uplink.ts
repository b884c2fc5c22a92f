/**
 * Values on their way up: what the LwM2M server calls for each message, and where results of decoders come back in. Joins the
 * pure engine with what it has to know and with the one write.
 */
import { isFailure, MooringError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Effect } from "../contract/action.ts";
import type { DecodedDocuments } from "../decoding/decode-queue.ts";
import { DECODED_BY } from "../decoding/decoded-effects.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import { isFullRead, type ValueBatch } from "../lwm2m/server/value-batch.ts";
import { inMaintenance } from "../platform/managed-object.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import type { Store, WriteOp } from "../store/store.ts";
import type { ApplyTarget, EffectApplier } from "./apply-effects.ts";
import { usableEffects } from "./check-effect.ts";
import { mayBeAskedFor, missingLastValues } from "./default-handlers.ts";
import type { MappingSettings } from "./device-settings.ts";
import { createDeviceViews } from "./device-views.ts";
import { decodedMessage } from "./document-ids.ts";
import { type MapFailure, type MapParts, mapMessage } from "./engine.ts";
import { keepableValues } from "./keepable-values.ts";
import { createOpenAlarms } from "./open-alarms.ts";
import type { Superseder } from "./superseder.ts";
import { type EarlierValue, keepMessageOp } from "./value-history.ts";

export interface UplinkCounters {
  messages: number;
  values: number;
  effects: number;
  /** Actions that did not do their work. */
  failures: number;
  /** Messages of which something could never be stored. */
  unstorable: number;
}

export interface Uplink {
  readonly counters: Readonly<UplinkCounters>;
  /**
   * Resolves when all that the values become is stored. What no store would ever keep is logged and left out, since a repetition
   * of the message would not help.
   * @throws MooringError NOT_FOUND without a managed object, STORE_FULL and STORE_FAILED: worth a repetition
   */
  values(batch: ValueBatch): Promise<void>;
  /**
   * Stores what a decoder made of a kept payload; ids follow from the payload's, so applying twice stores once, and what is decoded
   * `late` takes the place of what stands there. Effects that cannot be stored are left out.
   * @returns the rules they broke
   * @throws MooringError as {@link values}
   */
  applyDecoded(documents: DecodedDocuments): Promise<readonly string[]>;
  /** A device is gone: what is remembered of it goes too. */
  forget(deviceId: string): void;
}

export interface UplinkParts {
  readonly platform: Pick<Platform, "inventory" | "write">;
  readonly store: Pick<Store, "engine" | "collection">;
  readonly log: Log;
  readonly mapping: MapParts;
  readonly applier: EffectApplier;
  readonly superseder: Superseder;
  /** Of which devices what they say is kept as it came, for `remapping`: those that are marked (`device-views.ts`), or all. */
  readonly keepsValues?: "marked" | "all";
  /** Told of each message, once it is stored. */
  readonly publishers?: { publish(batch: ValueBatch): void };
  /** Devices whose open failure alarms are remembered; default 200 000. */
  readonly rememberedDevices?: number;
  /** Told what a message became, once it is stored. */
  onStored?(endpoint: string, effects: readonly Effect[]): void;
}

const REMEMBERED_DEVICES = 200_000;
const REMEMBERED_FAILURES = 1000;

/** Says each failure once at `warn`; the same again, until others have pushed it out, at `debug`. */
function createFailureLog(log: Log): (endpoint: string, failures: readonly MapFailure[]) => void {
  const said = new Set<string>();
  return (endpoint, failures) => {
    for (const failure of failures) {
      const key = `${endpoint} ${failure.path} ${failure.action} ${failure.reason}`;
      log[said.has(key) ? "debug" : "warn"]("mapping.failed", { endpoint, ...failure });
      if (said.size >= REMEMBERED_FAILURES) said.clear();
      said.add(key);
    }
  };
}

/** Last values as JSON keeps them are scalars again where they were; handlers ask for numbers and texts only. */
const asScalar = (value: unknown): ResourceValue["value"] | undefined =>
  typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? value : undefined;

/** Not of notifications: they come often, and say nothing new of what cannot be read. */
const isWholeInstances = ({ source, requestPath: { length } }: ValueBatch): boolean =>
  source !== "NOTIFICATION" && (length === 1 || length === 2);

/** Leaves the device and its open alarms as they are. */
const isPlain = ({ kind }: Effect): boolean => kind === "measurement" || kind === "lastValue";

const isOfDecoder = (effect: Effect): boolean =>
  effect.kind !== "alarm" || effect.properties?.[DECODED_BY] !== undefined;

/** The write that keeps what a message says, where some of it may be kept. */
function keeping(
  batch: ValueBatch,
  object: ManagedObject,
  settings: MappingSettings,
  earlier: readonly EarlierValue[],
): ApplyTarget["keep"] {
  const values = keepableValues(batch.values);
  if (values.length === 0) return undefined;
  const { source, requestPath, compositePaths, messageKey, receivedAtMs, registration } = batch;
  const said = { source, requestPath, compositePaths, values, settings, inMaintenance: inMaintenance(object), earlier };
  const message = { deviceId: registration.deviceId, messageKey, receivedAtMs };
  return (appliedAtMs, places) => keepMessageOp(message, said, appliedAtMs, places);
}

const NOTHING_EARLIER: readonly EarlierValue[] = [];

type LastValue = (path: Lwm2mPath) => ResourceValue["value"] | undefined;
const NOTHING_KNOWN: LastValue = (): undefined => undefined;

/** Those of `missing` that were there. */
const earlierOf = (missing: readonly Lwm2mPath[], lastValue: LastValue): readonly EarlierValue[] =>
  missing.length === 0
    ? NOTHING_EARLIER
    : missing
        .map(path => [path, lastValue(path)] as const)
        .filter((each): each is EarlierValue => each[1] !== undefined);

export function createUplink(parts: UplinkParts): Uplink {
  const { platform, store, log, mapping, applier, superseder } = parts;
  const { inventory } = platform;
  const { actions } = mapping;
  const views = createDeviceViews(actions);
  const openAlarms = createOpenAlarms(parts.store, parts.rememberedDevices ?? REMEMBERED_DEVICES);
  const logFailures = createFailureLog(log);
  const counters: UplinkCounters = { messages: 0, values: 0, effects: 0, failures: 0, unstorable: 0 };

  async function objectOf(tenant: string, deviceId: string): Promise<ManagedObject> {
    const object = await inventory.findCached(tenant, deviceId);
    if (!object) throw new MooringError("NOT_FOUND", `no managed object ${deviceId}`, { tenant, deviceId });
    return object;
  }

  /** Earlier values that a default handler needs beside those of the message. */
  async function earlierValues(tenant: string, deviceId: string, missing: readonly Lwm2mPath[]): Promise<LastValue> {
    const instances = new Map<string, Fragments | undefined>();
    for (const [objectId, instanceId] of missing) {
      const key = `${objectId}/${instanceId}`;
      if (instances.has(key)) continue;
      instances.set(key, await inventory.lastValues(tenant, deviceId, objectId!, instanceId!));
    }
    return ([objectId, instanceId, resourceId]) =>
      asScalar(instances.get(`${objectId}/${instanceId}`)?.[String(resourceId)]);
  }

  /** Why a write failed for good; anything else is thrown on, so that the message is repeated. */
  function reasonsOf(error: unknown): readonly string[] {
    if (!isFailure(error, "VALIDATION", "TOO_LARGE", "CONFLICT")) throw error;
    return [error.message];
  }

  /** Books what was stored. @returns `leftOut` */
  function stored(
    { deviceId, endpoint }: Pick<ApplyTarget, "deviceId" | "endpoint">,
    effects: readonly Effect[],
    leftOut: readonly string[],
  ): readonly string[] {
    counters.effects += effects.length;
    if (leftOut.length > 0) counters.unstorable++;
    openAlarms.stored(deviceId, effects);
    parts.onStored?.(endpoint, effects);
    return leftOut;
  }

  /** What is set in the inventory is a write of its own (`platform/write.ts`): where writes are not whole, it goes before what says that all is stored. */
  async function applyFirst(target: ApplyTarget, effects: readonly Effect[], more: readonly WriteOp[]) {
    if (store.engine === "sqlite") return applier.apply(target, effects, more);
    const leftOut = await applier.apply(target, effects);
    await applier.apply(target, [], more);
    return leftOut;
  }

  /** Alarms of the host itself are as ever; the rest takes the place of what the payload made before. */
  async function applyLate(
    target: ApplyTarget,
    rawId: string,
    path: string,
    effects: readonly Effect[],
    more: readonly WriteOp[],
  ) {
    const [ofDecoder = [], ofHost = []] = [true, false].map(is => effects.filter(effect => isOfDecoder(effect) === is));
    const payload = { rawId, message: target, object: target.object, path, effects: ofDecoder };
    return superseder.inTurn([rawId], async () => {
      const { plans } = await superseder.plan([payload]);
      const leftOut = await applier.apply(target, ofHost);
      await platform.write([...plans.flatMap(({ ops }) => ops), ...more]);
      return leftOut;
    });
  }

  return {
    counters,

    async values(batch) {
      const { registration, values, requestPath, compositePaths, messageKey, receivedAtMs } = batch;
      const { tenant, deviceId, endpoint } = registration;
      counters.messages++;
      counters.values += values.length;
      const object = await objectOf(tenant, deviceId);
      // Both are nearly always at hand: no read of the store, no turn of the event loop.
      const known = openAlarms.of(tenant, deviceId);
      const open = known instanceof Promise ? await known : known;
      let missing: readonly Lwm2mPath[] = [];
      let lastValue = NOTHING_KNOWN;
      // Plugins may come and go while values are looked up: from the last look on it is one turn, with the same actions.
      for (let asked: readonly string[] | undefined; asked !== actions.deviceFragments; ) {
        asked = actions.deviceFragments;
        const { defaultHandlers } = views(tenant, endpoint, object).settings;
        missing = defaultHandlers ? missingLastValues(values, actions) : [];
        if (missing.length > 0) lastValue = await earlierValues(tenant, deviceId, missing);
      }
      const { view, settings, isMarked } = views(tenant, endpoint, object);
      const { effects, failures } = mapMessage(mapping, {
        values,
        requestPath,
        compositePaths,
        fullRead: isFullRead(batch),
        showsUnreadable: isWholeInstances(batch),
        receivedAtMs,
        device: view,
        settings,
        openAlarms: open,
        lastValue,
      });
      if (failures.length > 0) {
        counters.failures += failures.length;
        logFailures(endpoint, failures);
      }
      const message = { tenant, deviceId, endpoint, messageKey, receivedAtMs, object };
      const keeps = parts.keepsValues === "all" || (parts.keepsValues === "marked" && isMarked);
      const target = keeps
        ? { ...message, keep: keeping(batch, object, settings, earlierOf(missing, lastValue)) }
        : message;
      let leftOut: readonly string[];
      try {
        const applied = applier.apply(target, effects);
        // The writes are handed over in order, and what the next message is mapped by does not depend on them.
        if (batch.letNextBegin && effects.every(isPlain) && !mayBeAskedFor(values, actions)) batch.letNextBegin();
        leftOut = await applied;
      } catch (error) {
        leftOut = reasonsOf(error);
      }
      for (const reason of stored(target, effects, leftOut))
        log.error("uplink.unstorable", { endpoint, path: formatPath(requestPath), reason });
      parts.publishers?.publish(batch);
    },

    async applyDecoded({ tenant, deviceId, endpoint, rawId, receivedAtMs, effects, more, late }) {
      const object = await objectOf(tenant, deviceId);
      const { usable, rules } = usableEffects(effects);
      const target = { ...decodedMessage({ tenant, deviceId, id: rawId, receivedAtMs }), endpoint, object };
      const applied = late ? applyLate(target, rawId, late.path, usable, more) : applyFirst(target, usable, more);
      const leftOut = await applied.catch(reasonsOf);
      return [...rules, ...stored(target, usable, leftOut)];
    },

    forget: deviceId => openAlarms.forget(deviceId),
  };
}
