/**
 * Another device protocol over a stretch of a device's history: what it would change (a plan), and changing it. A plan is named by what it
 * would make, so that carrying it out makes that and nothing else, however often it is begun.
 */
import { createHash } from "node:crypto";
import { toHex } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";
import { createKeyedTurns } from "../base/keyed-turns.ts";
import type { DeviceView } from "../contract/action.ts";
import { canonicalJson } from "../contract/decoder-package.ts";
import { decodedEffects } from "../decoding/decoded-effects.ts";
import type { RawPayload } from "../decoding/raw-payload.ts";
import type { DeviceProtocol } from "../device-protocols/device-protocol.ts";
import type { DeviceProtocols } from "../device-protocols/device-protocols.ts";
import { readProposal } from "../device-protocols/proposal.ts";
import type { DecodeIntake } from "../mapping/apply-effects.ts";
import { clearNoMappingAlarms } from "../mapping/clear-no-mapping.ts";
import { createDeviceViews, type KnownDevice } from "../mapping/device-views.ts";
import type { MapParts } from "../mapping/engine.ts";
import type { Superseder } from "../mapping/superseder.ts";
import { invalid, toJson } from "../platform/body.ts";
import type { Inventory } from "../platform/platform.ts";
import type { DecodeOutcome } from "../sandbox/decoder-runtime.ts";
import type { Store } from "../store/store.ts";
import { createCarryOut } from "./carry-out.ts";
import type { Outcome } from "./outcome.ts";
import { createSummary, type DecoderTrial, type PlanSummary } from "./plan.ts";
import { createWalk, outcomesOf, type Subject } from "./walk.ts";

export interface RemappingRequest {
  readonly deviceId: string;
  /** The object that is asked about: one of the protocols is of it. */
  readonly objectId: number;
  /** A protocol or a list of them, each as `readProposal` takes it, unchecked. */
  readonly protocol: unknown;
  /** Of receipt, inclusive; default: all that is kept. */
  readonly fromMs?: number;
  /** Inclusive; default and latest: now. */
  readonly toMs?: number;
}

export interface Plan extends PlanSummary {
  /** Names the plan: protocol, device, time, history, and the protocols in force when it was made. */
  readonly id: string;
  readonly deviceId: string;
  readonly objectIds: readonly number[];
  readonly fromMs: number;
  /** Earlier than was asked for where `more`. */
  readonly toMs: number;
  /** The stretch is longer than one plan covers: the next begins after `toMs`. */
  readonly more: boolean;
  /** The protocols are those in force. */
  readonly inForce: boolean;
}

export interface Remapping {
  /** @throws MooringError VALIDATION {field, rule}, NOT_FOUND, CONFLICT where no history is kept */
  plan(tenant: string, request: RemappingRequest): Promise<Plan>;
  /**
   * Puts the protocols in force and makes the documents of the stretch those of the plan. Repeated, also after it was interrupted, it
   * ends with the same documents.
   * @param request as the plan was made, with its `fromMs` and `toMs`
   * @returns what was done this time
   * @throws  MooringError as `plan`, and CONFLICT where history, device or protocol have changed since the plan was made: nothing is done
   */
  apply(tenant: string, request: RemappingRequest, planId: string): Promise<Plan>;
}

export interface RemappingParts {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  readonly inventory: Pick<Inventory, "get">;
  readonly protocols: Pick<DeviceProtocols, "find" | "put">;
  readonly mapping: MapParts;
  /** Of a device of the tenant; undefined: it is none of ours. */
  endpointOf(tenant: string, deviceId: string): Promise<string | undefined>;
  /** Decoders, as the way of the data sees them. */
  readonly decodes: DecodeIntake & {
    /** Runs a decoder and stores nothing. Never rejects. */
    tryOut(raw: RawPayload): Promise<DecodeOutcome>;
  };
  readonly superseder: Pick<Superseder, "inTurn">;
  /** Days that values are kept; 0: not at all. */
  readonly retentionDays: number;
  /** Of which devices. */
  readonly keepsValues: "marked" | "all";
  /** Messages that one plan covers. */
  readonly maxMessages: number;
}

const DAY_MS = 86_400_000;
const PLAN_ID = /^([0-9a-f]{40})-([0-9a-f]{16}(?:\.[0-9a-f]{16})*)$/;
const BASIS_DIGITS = 16;
const DIGEST_DIGITS = 40;
/** Payloads of each decoder that are tried. */
const TRIALS = 20;

const nothingKept = (why: string): MooringError =>
  new MooringError("CONFLICT", `no history is kept: ${why}`, { field: "deviceId", rule: "has no history" });

/** What of a protocol the mapping sees and a save writes. */
const textOf = (protocol: DeviceProtocol | undefined): string => {
  if (!protocol) return "none";
  const { objectId, objectModel, resourceMappings, objectInstanceActions } = protocol;
  return canonicalJson({ objectId, objectModel, resourceMappings, objectInstanceActions });
};
/** One for each protocol, so that some of them may be in force already. */
const basisOf = (protocols: readonly (DeviceProtocol | undefined)[]): string[] =>
  protocols.map(each => createHash("sha256").update(textOf(each)).digest("hex").slice(0, BASIS_DIGITS));

interface Digest {
  add(outcome: Outcome): void;
  /** To be called once, with the end of the stretch. */
  text(toMs: number): string;
}

function digestOf({ device, fromMs }: Subject, protocols: readonly DeviceProtocol[]): Digest {
  const hash = createHash("sha256");
  return {
    add({ message, documents, alarms, payloads }) {
      const given = payloads.map(({ id, decoder, path, bytes }) => [id, decoder, path, toHex(bytes)]);
      const made = message.values ? [documents, alarms, given] : null;
      hash.update(`${JSON.stringify([message.id, toJson(made)])}\n`);
    },
    text(toMs) {
      const about = ["mooring-plan-v1", device.tenant, device.id, fromMs, toMs, ...protocols.map(textOf)];
      return hash.update(JSON.stringify(about)).digest("hex").slice(0, DIGEST_DIGITS);
    },
  };
}

interface Job {
  readonly subject: Subject;
  /** What the device says now is kept. */
  readonly isKept: boolean;
  readonly protocols: readonly DeviceProtocol[];
  readonly mapping: MapParts;
}

export function createRemapping(parts: RemappingParts): Remapping {
  const { store, clock, decodes } = parts;
  const views = createDeviceViews(parts.mapping.actions);
  const turns = createKeyedTurns();

  const inForce = (tenant: string, protocols: readonly DeviceProtocol[]): (DeviceProtocol | undefined)[] =>
    protocols.map(({ objectId }) => parts.protocols.find(tenant, objectId));

  async function deviceOf(tenant: string, deviceId: string): Promise<KnownDevice> {
    const object = await parts.inventory.get(tenant, deviceId);
    const endpoint = await parts.endpointOf(tenant, deviceId);
    if (endpoint === undefined) throw new MooringError("NOT_FOUND", `no LwM2M device ${deviceId}`, { deviceId });
    return views(tenant, endpoint, object);
  }

  function protocolsOf(tenant: string, { objectId, protocol }: RemappingRequest): DeviceProtocol[] {
    const find = (id: number) => parts.protocols.find(tenant, id);
    const protocols = Array.isArray(protocol)
      ? protocol.map((one, at) => readProposal(one, `protocol[${at}]`, find))
      : [readProposal(protocol, "protocol", find)];
    const ids = protocols.map(each => each.objectId);
    if (new Set(ids).size < ids.length) throw invalid("protocol", "must hold each object once");
    if (!ids.includes(objectId)) throw invalid("protocol.objectId", `must be ${objectId}, as in the path`);
    return protocols;
  }

  async function jobOf(tenant: string, request: RemappingRequest): Promise<Job> {
    if (parts.retentionDays === 0) {
      throw nothingKept("history.retentionDays is 0");
    }
    const { view: device, isMarked } = await deviceOf(tenant, request.deviceId);
    const protocols = protocolsOf(tenant, request);
    const nowMs = clock.now();
    const toMs = Math.min(request.toMs ?? nowMs, nowMs);
    const fromMs = request.fromMs ?? toMs - parts.retentionDays * DAY_MS;
    if (fromMs > toMs) throw invalid("dateFrom", "must be before dateTo and before now");
    const proposed = new Map(protocols.map(each => [each.objectId, each]));
    const protocol: MapParts["protocol"] = (of, id) => proposed.get(id) ?? parts.mapping.protocol(of, id);
    return {
      subject: { device, fromMs: Math.max(0, fromMs), toMs },
      isKept: parts.keepsValues === "all" || isMarked,
      protocols,
      mapping: { ...parts.mapping, protocol },
    };
  }

  async function tryOut(payloads: readonly RawPayload[], device: DeviceView): Promise<DecoderTrial | undefined> {
    let [tried, failed, measurements, events, alarms] = [0, 0, 0, 0, 0];
    let reason: string | undefined;
    for (const raw of payloads) {
      const outcome = await decodes.tryOut(raw);
      if (!outcome.ok && outcome.reason === "unavailable") break;
      tried++;
      if (!outcome.ok || !outcome.result.success) {
        failed++;
        reason ??= outcome.ok ? (outcome.result.message ?? "the decoder gave no reason") : outcome.message;
        continue;
      }
      for (const { kind } of decodedEffects(outcome.result, device, raw.atMs).effects) {
        if (kind === "measurement") measurements++;
        else if (kind === "event") events++;
        else if (kind === "alarm") alarms++;
      }
    }
    if (tried === 0) return undefined;
    return { payloads: tried, failed, measurements, events, alarms, ...(reason === undefined ? {} : { reason }) };
  }

  const trialsOf = async (given: ReadonlyMap<string, readonly RawPayload[]>, device: DeviceView) => {
    const trials = new Map<string, DecoderTrial>();
    for (const [decoder, payloads] of given) {
      const trial = await tryOut(payloads, device);
      if (trial) trials.set(decoder, trial);
    }
    return trials;
  };

  async function plan(tenant: string, request: RemappingRequest): Promise<Plan> {
    const { subject, isKept, protocols, mapping } = await jobOf(tenant, request);
    const basis = basisOf(inForce(tenant, protocols));
    const digest = digestOf(subject, protocols);
    const summary = createSummary(TRIALS);
    let cutAtMs: number | undefined;
    const limit = { maxMessages: parts.maxMessages, reached: (lastMs: number) => void (cutAtMs = lastMs) };
    const walk = createWalk({ store, mapping, nowMs: clock.now }, subject, limit);
    for await (const steps of walk.steps()) {
      for (const { outcome } of steps) digest.add(outcome);
      summary.add(steps);
    }
    const done = summary.plan(walk.unfinishedAlarms(), await trialsOf(summary.firstGiven, subject.device));
    if (done.messages === 0 && !isKept) {
      throw nothingKept(
        `of device ${subject.device.id}: its managed object has no keepValueHistory: true (history.devices)`,
      );
    }
    const toMs = cutAtMs ?? subject.toMs;
    return {
      id: `${digest.text(toMs)}-${basis.join(".")}`,
      ...aboutOf(subject, protocols),
      toMs,
      more: cutAtMs !== undefined,
      inForce: basis.join() === basisOf(protocols).join(),
      ...done,
    };
  }

  const aboutOf = ({ device, fromMs }: Subject, protocols: readonly DeviceProtocol[]) => ({
    deviceId: device.id,
    objectIds: protocols.map(({ objectId }) => objectId),
    fromMs,
  });

  const changed = (what: string): MooringError =>
    new MooringError("CONFLICT", `${what} changed since the plan was made: make it anew`, {
      field: "plan",
      rule: "is out of date",
    });

  /** @throws MooringError CONFLICT where the plan would not come out as it is named */
  async function check(tenant: string, { subject, protocols, mapping }: Job, planId: string): Promise<void> {
    const [, wanted, basis] = PLAN_ID.exec(planId) ?? [];
    if (wanted === undefined || basis === undefined) throw invalid("plan", "must be the id of a plan");
    const [before, after] = [basis.split("."), basisOf(protocols)];
    const isKnown = (present: string, at: number): boolean => present === before[at] || present === after[at];
    if (!basisOf(inForce(tenant, protocols)).every(isKnown)) throw changed("the device protocol");
    const digest = digestOf(subject, protocols);
    let isLonger = false;
    const limit = { maxMessages: parts.maxMessages, reached: () => void (isLonger = true) };
    for await (const outcome of outcomesOf({ store, mapping }, subject, limit)) digest.add(outcome);
    if (isLonger || digest.text(subject.toMs) !== wanted) throw changed("protocol, time, history or device");
  }

  async function putInForce(tenant: string, protocols: readonly DeviceProtocol[]): Promise<void> {
    for (const protocol of protocols) {
      if (textOf(parts.protocols.find(tenant, protocol.objectId)) === textOf(protocol)) continue;
      await parts.protocols.put(tenant, protocol);
    }
    await clearNoMappingAlarms(
      store,
      clock.now(),
      tenant,
      protocols.map(({ objectId }) => objectId),
    );
  }

  async function apply(tenant: string, request: RemappingRequest, planId: string): Promise<Plan> {
    const job = await jobOf(tenant, request);
    const { subject, protocols, mapping } = job;
    await check(tenant, job, planId);
    await putInForce(tenant, protocols);
    const summary = createSummary(0);
    const walk = createWalk({ store, mapping, nowMs: clock.now }, subject);
    const carryOut = createCarryOut({ tenant, store, nowMs: clock.now, decodes, superseder: parts.superseder });
    for await (const steps of walk.steps()) {
      await carryOut(steps);
      summary.add(steps);
    }
    const done = summary.plan(walk.unfinishedAlarms(), new Map());
    return { id: planId, ...aboutOf(subject, protocols), toMs: subject.toMs, more: false, inForce: true, ...done };
  }

  return {
    plan,
    apply: (tenant, request, planId) => turns(`${tenant} ${request.deviceId}`, () => apply(tenant, request, planId)),
  };
}
