/**
 * Values on their way up: what the LwM2M server calls for each message, and where results of decoders come back in. Joins the
 * pure engine with what it has to know and with the one write.
 */
import { isFailure } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Effect } from "../contract/action.ts";
import type { DecodedDocuments } from "../decoding/decode-queue.ts";
import { DECODED_BY } from "../decoding/decoded-effects.ts";
import { formatPath } from "../lwm2m/path.ts";
import { isFullRead, type ValueBatch } from "../lwm2m/server/value-batch.ts";
import { inMaintenance } from "../platform/managed-object.ts";
import type { ManagedObject, Platform } from "../platform/platform.ts";
import type { Store, WriteOp } from "../store/store.ts";
import type { ApplyTarget, EffectApplier } from "./apply-effects.ts";
import { usableEffects } from "./check-effect.ts";
import { mayBeAskedFor } from "./default-handlers.ts";
import { createDeviceLine } from "./device-line.ts";
import type { MappingSettings } from "./device-settings.ts";
import { createDeviceViews } from "./device-views.ts";
import { decodedMessage } from "./document-ids.ts";
import { type MapFailure, type MapParts, mapMessage } from "./engine.ts";
import { isFailureAlarm } from "./failure-alarms.ts";
import { keepableValues } from "./keepable-values.ts";
import { createKnowledge, type KnownBefore } from "./known-before.ts";
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
   * Resolves when all that the values become is stored; messages of one device take effect in the order in which they are given. What no store
   * would ever keep is logged and left out, since a repetition of the message would not help.
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
  /** Runs `work` in the place of a message: when what the device said before is with the store, and before anything that it says next. */
  inTurn<T>(deviceId: string, work: () => Promise<T>): Promise<T>;
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

/** Not of notifications: they come often, and say nothing new of what cannot be read. */
const isWholeInstances = ({ source, requestPath: { length } }: ValueBatch): boolean =>
  source !== "NOTIFICATION" && (length === 1 || length === 2);

const isPlain = ({ kind }: Effect): boolean => kind === "measurement" || kind === "lastValue";

/** Changes what the next message is mapped by. */
const changesDevice = (effect: Effect): boolean =>
  effect.kind === "inventory" || (effect.kind === "alarm" && isFailureAlarm(effect.type));

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

interface Mapped {
  readonly target: ApplyTarget;
  readonly effects: readonly Effect[];
  /** What the next message is mapped by depends on what this one leaves in the store. */
  readonly holdsNext: boolean;
}

/** Those of `missing` that were there. */
const earlierOf = ({ missing, lastValue }: KnownBefore): readonly EarlierValue[] =>
  missing.length === 0
    ? NOTHING_EARLIER
    : missing
        .map(path => [path, lastValue(path)] as const)
        .filter((each): each is EarlierValue => each[1] !== undefined);

export function createUplink(parts: UplinkParts): Uplink {
  const { platform, log, mapping, applier, superseder } = parts;
  const { actions } = mapping;
  const views = createDeviceViews(actions);
  const openAlarms = createOpenAlarms(parts.store, parts.rememberedDevices ?? REMEMBERED_DEVICES);
  const knowledge = createKnowledge({ inventory: platform.inventory, openAlarms, views, actions });
  const logFailures = createFailureLog(log);
  const line = createDeviceLine();
  const counters: UplinkCounters = { messages: 0, values: 0, effects: 0, failures: 0, unstorable: 0 };

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
    if (parts.store.engine === "sqlite") return applier.apply(target, effects, more);
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

  function map(batch: ValueBatch, known: KnownBefore): Mapped {
    const { registration, values, requestPath, compositePaths, messageKey, receivedAtMs } = batch;
    const { tenant, deviceId, endpoint } = registration;
    const { object, openAlarms: open, lastValue } = known;
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
    const target = keeps ? { ...message, keep: keeping(batch, object, settings, earlierOf(known)) } : message;
    return { target, effects, holdsNext: effects.some(changesDevice) || mayBeAskedFor(values, actions) };
  }

  /** The writes are handed over before this returns. @param letNextBegin of the device's line, where this stands in it */
  async function store(
    batch: ValueBatch,
    { target, effects, holdsNext }: Mapped,
    letNextBegin?: () => void,
  ): Promise<void> {
    let leftOut: readonly string[];
    try {
      const applied = applier.apply(target, effects);
      if (!holdsNext) letNextBegin?.();
      if (!holdsNext && batch.letNextBegin && effects.every(isPlain)) batch.letNextBegin();
      leftOut = await applied;
    } catch (error) {
      leftOut = reasonsOf(error);
    }
    for (const reason of stored(target, effects, leftOut))
      log.error("uplink.unstorable", { endpoint: target.endpoint, path: formatPath(batch.requestPath), reason });
    parts.publishers?.publish(batch);
  }

  return {
    counters,

    values(batch) {
      const { deviceId } = batch.registration;
      counters.messages++;
      counters.values += batch.values.length;
      const known = line.isTaken(deviceId) ? undefined : knowledge.atHand(batch);
      if (!known) {
        return line.run(deviceId, letNextBegin =>
          knowledge.lookUp(batch, found => store(batch, map(batch, found), letNextBegin)),
        );
      }
      const mapped = map(batch, known);
      return mapped.holdsNext ? line.run(deviceId, () => store(batch, mapped)) : store(batch, mapped);
    },

    async applyDecoded({ tenant, deviceId, endpoint, rawId, receivedAtMs, effects, more, late }) {
      const object = await knowledge.objectOf(tenant, deviceId);
      const { usable, rules } = usableEffects(effects);
      const target = { ...decodedMessage({ tenant, deviceId, id: rawId, receivedAtMs }), endpoint, object };
      const applied = late ? applyLate(target, rawId, late.path, usable, more) : applyFirst(target, usable, more);
      const leftOut = await applied.catch(reasonsOf);
      return [...rules, ...stored(target, usable, leftOut)];
    },

    inTurn: line.run,

    forget: deviceId => openAlarms.forget(deviceId),
  };
}
