/** One payload: the decoder's input, and from its outcome to what is stored. */
import type { Clock } from "../base/clock.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import type { Log, LogFields } from "../base/log.ts";
import type { Effect } from "../contract/action.ts";
import type { DecodeOutcome } from "../sandbox/decoder-runtime.ts";
import type { WriteOp } from "../store/store.ts";
import { type Conclusion, concludeFailure, concludeMissing, concludeResult } from "./conclusion.ts";
import { type DecodedDevice, needsDevice } from "./decoded-effects.ts";
import type { DecoderDirectory, InstalledDecoder } from "./decoder-directory.ts";
import { decoderInput, deviceLookup, NO_DEVICE } from "./decoder-input.ts";
import { errorOps, type RawPayload, retryOps, settledOps, statusOps } from "./raw-payload.ts";

/** What the applier of effects is given. */
export interface DecodedDocuments {
  readonly tenant: string;
  readonly deviceId: string;
  readonly endpoint: string;
  /** Ids of what is stored follow from it. */
  readonly rawId: string;
  readonly receivedAtMs: number;
  readonly effects: readonly Effect[];
  /** Written in the same group; on an engine without groups after the effects, since it says that they are stored. */
  readonly more: readonly WriteOp[];
  /** It may have been decoded before, or others that came later: what it makes takes the place of what it made. */
  readonly late?: { readonly path: string };
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
  /** Told of each outcome before it is stored. Must not throw. */
  onDecoded?(raw: RawPayload, decoder: InstalledDecoder, outcome: DecodeOutcome): void;
  readonly clock: Clock;
  readonly log: Log;
  readonly retries?: Retries;
}

/** Of calls that failed (agent specification 9.2 item 4). */
export interface Retries {
  /** After the first call. */
  readonly max: number;
  readonly delayMs: number;
}

const DEFAULT_RETRIES: Retries = { max: 6, delayMs: 600_000 };

/** Nothing could be done now through no fault of the payload: it is in the store as it was. */
export interface Later {
  readonly reason: string;
  /** Where it is known; by the wall clock. */
  readonly retryAtMs?: number;
}

export interface DecodeWorker {
  /** `failed`: given up. `retried`: calls that failed and are made again. */
  readonly counters: { readonly decoded: number; readonly failed: number; readonly retried: number };
  /** Never rejects. */
  decode(raw: RawPayload): Promise<DecodeOutcome>;
  /** Stores what the outcome means. Never rejects. @returns undefined when that is done */
  finish(raw: RawPayload, outcome: DecodeOutcome): Promise<Later | undefined>;
  /** Shows what was IN_PROGRESS as PENDING again. Never rejects. */
  putBack(raw: RawPayload): Promise<void>;
}

/** Of a payload that nothing is asked for. */
const SETTLED: DecodeOutcome = { ok: false, reason: "unavailable", message: "it is decoded already" };
/** Devices and decoders of which it is known whether their failure alarm is open; for others it is cleared to be sure. */
const REMEMBERED_ALARMS = 100_000;

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
  const retries = parts.retries ?? DEFAULT_RETRIES;
  const counters = { decoded: 0, failed: 0, retried: 0 };
  /** Ids of those that are IN_PROGRESS in the store. */
  const shown = new Set<string>();

  const deviceOf = deviceLookup(parts.findDevice);

  const store = async (raw: RawPayload, conclusion: Conclusion): Promise<void> => {
    const { effects, ops, trouble, alarmOpen, isResult } = conclusion;
    const { tenant, deviceId, endpoint, id: rawId, receivedAtMs, decoder, path } = raw;
    const documents = { tenant, deviceId, endpoint, rawId, receivedAtMs, effects, more: ops };
    const broken = await parts.apply(raw.again && isResult ? { ...documents, late: { path } } : documents);
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

  /** The payload waits by itself; those behind it go on. */
  const retry = async (raw: RawPayload, { reason, message }: Extract<DecodeOutcome, { ok: false }>): Promise<void> => {
    const nowMs = clock.now();
    await parts.write(retryOps(raw, { reason, message }, nowMs + retries.delayMs, nowMs));
    const { decoder, endpoint, path, id: rawId, attempts } = raw;
    log.warn("decoder.retried", { decoder, endpoint, path, rawId, attempts: attempts + 1, message });
    counters.retried++;
  };

  const conclude = async (raw: RawPayload, outcome: DecodeOutcome): Promise<Later | undefined> => {
    if (outcome.ok) {
      const device = needsDevice(outcome.result) ? await deviceOf(raw) : NO_DEVICE;
      await store(raw, concludeResult(raw, outcome, device, alarms.get(raw) !== false, clock.now()));
    } else if (outcome.reason === "callFailed" && raw.attempts < retries.max) await retry(raw, outcome);
    else if (outcome.reason !== "unavailable") await store(raw, concludeFailure(raw, outcome, clock.now()));
    else if (directory.find(raw.tenant, raw.decoder)) {
      const { message: reason, retryAtMs } = outcome;
      return { reason, ...(retryAtMs !== undefined && { retryAtMs }) };
    } else await awaitDecoder(raw);
    return undefined;
  };

  /** A message that was repeated: what its payload became stays, also where that was by another version than is in force now. */
  const settle = async (raw: RawPayload): Promise<undefined> => {
    await parts.write(settledOps(raw));
  };

  const giveUp = async (raw: RawPayload): Promise<Later | undefined> => {
    try {
      await parts.write(errorOps(raw, { reason: "refused", message: "the device is gone" }, clock.now()));
      return undefined;
    } catch (error) {
      return { reason: messageOf(error) };
    }
  };

  /** Others are decoded before anybody could look. */
  const showProgress = async (raw: RawPayload): Promise<void> => {
    await parts.write(statusOps(raw, "IN_PROGRESS", clock.now()));
    shown.add(raw.id);
  };

  return {
    counters,
    async decode(raw) {
      if (raw.made) return SETTLED;
      try {
        const decoder = directory.find(raw.tenant, raw.decoder);
        if (!decoder) return { ok: false, reason: "unavailable", message: `there is no decoder ${raw.decoder}` };
        if (decoder.kind === "remote") await showProgress(raw);
        const input = await decoderInput(raw, decoder.manifest, deviceOf);
        const outcome = await directory.decode(decoder, input);
        parts.onDecoded?.(raw, decoder, outcome);
        return outcome;
      } catch (error) {
        return { ok: false, reason: "unavailable", message: messageOf(error) };
      }
    },
    async finish(raw, outcome) {
      const later = await (raw.made ? settle(raw) : conclude(raw, outcome)).catch((error: unknown) =>
        isFailure(error, "NOT_FOUND") ? giveUp(raw) : { reason: messageOf(error) },
      );
      if (!later) shown.delete(raw.id);
      return later;
    },
    async putBack(raw) {
      if (!shown.delete(raw.id)) return;
      try {
        await parts.write(statusOps(raw, "PENDING", clock.now()));
      } catch (error) {
        // IN_PROGRESS ones that nobody has taken are found as well.
        log.warn("decoder.notPutBack", { rawId: raw.id, reason: messageOf(error) });
      }
    },
  };
}
