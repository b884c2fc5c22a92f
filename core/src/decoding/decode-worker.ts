/** One payload: the decoder's input, and from its outcome to what is stored. */
import type { Clock } from "../base/clock.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import type { Log, LogFields } from "../base/log.ts";
import type { Effect } from "../contract/action.ts";
import { formatTime } from "../platform/time.ts";
import type { DecodeOutcome, RuntimeInput } from "../sandbox/decoder-runtime.ts";
import type { WriteOp } from "../store/store.ts";
import { type Conclusion, concludeFailure, concludeMissing, concludeResult } from "./conclusion.ts";
import { type DecodedDevice, needsDevice } from "./decoded-effects.ts";
import type { DecoderDirectory, InstalledDecoder } from "./decoder-directory.ts";
import { errorOps, type RawPayload } from "./raw-payload.ts";

/** What the applier of effects is given. */
export interface DecodedDocuments {
  readonly tenant: string;
  readonly deviceId: string;
  readonly endpoint: string;
  /** Ids of what is stored follow from it. */
  readonly rawId: string;
  readonly receivedAtMs: number;
  readonly effects: readonly Effect[];
  /** Written in the same group. */
  readonly more: readonly WriteOp[];
}

export interface DecodeWorkerParts {
  readonly directory: Pick<DecoderDirectory, "find" | "decode">;
  /**
   * Stores effects and writes together. @returns the rules that effects broke which could not be stored
   * @throws MooringError NOT_FOUND when the device is gone; others: worth a repetition
   */
  apply(documents: DecodedDocuments): Promise<readonly string[]>;
  /** For payloads whose device is gone. */
  write(ops: readonly WriteOp[]): Promise<unknown>;
  findDevice(tenant: string, deviceId: string): Promise<DecodedDevice | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface DecodeWorker {
  readonly counters: { readonly decoded: number; readonly failed: number };
  /** Never rejects. */
  decode(raw: RawPayload): Promise<DecodeOutcome>;
  /**
   * Stores what the outcome means. Never rejects.
   * @returns `later` with a reason when nothing could be done now through no fault of the payload: it is still PENDING
   */
  finish(raw: RawPayload, outcome: DecodeOutcome): Promise<{ readonly later?: string }>;
}

const NO_DEVICE: DecodedDevice = { fragments: {} };
const FINISHED = {};
/** Devices and decoders of which it is known whether their failure alarm is open; for others it is cleared to be sure. */
const REMEMBERED_ALARMS = 100_000;

const inputOf = (raw: RawPayload, device: Readonly<Record<string, unknown>>): RuntimeInput => ({
  value: raw.bytes,
  resourcePath: raw.path,
  resourceType: raw.resourceType,
  receivedAt: formatTime(raw.atMs),
  sourceDeviceId: raw.deviceId,
  device,
});

/** Remembers the failure alarms of devices and decoders: true open, false closed. */
function createAlarmMemory(): { get(raw: RawPayload): boolean | undefined; set(raw: RawPayload, open: boolean): void } {
  const known = new Map<string, boolean>();
  const keyOf = ({ deviceId, decoder }: RawPayload): string => `${deviceId} ${decoder}`;
  return {
    get: raw => known.get(keyOf(raw)),
    set(raw, open) {
      if (known.size >= REMEMBERED_ALARMS) known.clear();
      known.set(keyOf(raw), open);
    },
  };
}

export function createDecodeWorker(parts: DecodeWorkerParts): DecodeWorker {
  const { directory, clock, log } = parts;
  const alarms = createAlarmMemory();
  const counters = { decoded: 0, failed: 0 };

  const deviceOf = async ({ tenant, deviceId }: RawPayload): Promise<DecodedDevice> =>
    (await parts.findDevice(tenant, deviceId)) ?? NO_DEVICE;

  const fragmentsFor = async (raw: RawPayload, { manifest }: InstalledDecoder): Promise<Record<string, unknown>> => {
    const wanted = manifest.deviceFragments ?? [];
    if (wanted.length === 0) return {};
    const { fragments } = await deviceOf(raw);
    return Object.fromEntries(
      wanted.filter(name => Object.hasOwn(fragments, name)).map(name => [name, fragments[name]]),
    );
  };

  const store = async (raw: RawPayload, { effects, ops, trouble, alarmOpen }: Conclusion): Promise<void> => {
    const { tenant, deviceId, endpoint, id: rawId, receivedAtMs, decoder, path } = raw;
    const broken = await parts.apply({ tenant, deviceId, endpoint, rawId, receivedAtMs, effects, more: ops });
    const where: LogFields = { decoder, endpoint, path, rawId };
    if (broken.length > 0) log.warn("decoder.effectsLeftOut", { ...where, rules: broken });
    if (trouble) log.warn("decoder.failed", { ...where, ...trouble });
    counters[trouble ? "failed" : "decoded"]++;
    if (alarmOpen !== undefined) alarms.set(raw, alarmOpen);
  };

  /** A payload waits for its decoder; the alarm says so once. */
  const awaitDecoder = async (raw: RawPayload): Promise<void> => {
    if (alarms.get(raw) !== true) await store(raw, concludeMissing(raw, clock.now()));
  };

  const conclude = async (raw: RawPayload, outcome: DecodeOutcome): Promise<{ later?: string }> => {
    if (outcome.ok) {
      const device = needsDevice(outcome.result) ? await deviceOf(raw) : NO_DEVICE;
      await store(raw, concludeResult(raw, outcome, device, alarms.get(raw) !== false, clock.now()));
    } else if (outcome.reason !== "unavailable") await store(raw, concludeFailure(raw, outcome, clock.now()));
    else if (directory.find(raw.tenant, raw.decoder)) return { later: outcome.message };
    else await awaitDecoder(raw);
    return FINISHED;
  };

  const giveUp = async (raw: RawPayload): Promise<{ later?: string }> => {
    try {
      await parts.write(errorOps(raw, { reason: "refused", message: "the device is gone" }, clock.now()));
      return FINISHED;
    } catch (error) {
      return { later: messageOf(error) };
    }
  };

  return {
    counters,
    async decode(raw) {
      try {
        const decoder = directory.find(raw.tenant, raw.decoder);
        if (!decoder) return { ok: false, reason: "unavailable", message: `there is no decoder ${raw.decoder}` };
        return await directory.decode(decoder, inputOf(raw, await fragmentsFor(raw, decoder)));
      } catch (error) {
        return { ok: false, reason: "unavailable", message: messageOf(error) };
      }
    },
    async finish(raw, outcome) {
      try {
        return await conclude(raw, outcome);
      } catch (error) {
        return isFailure(error, "NOT_FOUND") ? giveUp(raw) : { later: messageOf(error) };
      }
    },
  };
}
