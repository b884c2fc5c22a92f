/** What a decode's outcome means: documents, the payload's new status, the alarm that tells of failures. Pure. */
import type { Effect } from "../contract/action.ts";
import { openAlarmFilter } from "../platform/alarm.ts";
import type { DecodeOutcome } from "../sandbox/decoder-runtime.ts";
import { ALARMS, type AlarmDocument } from "../store/collections/platform.ts";
import { updateOp, type WriteOp } from "../store/store.ts";
import { type DecodedDevice, type DecodedEffects, decodedEffects, signedEffects } from "./decoded-effects.ts";
import { doneOps, errorOps, type MadeDocuments, type RawPayload } from "./raw-payload.ts";

/** At devices whose payloads a decoder fails on, and at the agent's own where it is put off for all (agent specification 15.3). */
export const failureAlarmType = (decoder: string): string => `c8y_LWM2MDecoderFailure_${decoder}`;

export interface Conclusion {
  readonly effects: readonly Effect[];
  readonly ops: readonly WriteOp[];
  /** Worth a log line; absent when the payload was decoded. */
  readonly trouble?: { readonly reason: string; readonly message: string };
  /** Whether the failure alarm of this device and decoder is open now; undefined: as before. */
  readonly alarmOpen?: boolean;
  /** The decoder has said what the payload is: that counts, whatever it said before. */
  readonly isResult?: true;
}

function failureAlarm(raw: RawPayload, status: "ACTIVE" | "CLEARED", text: string, nowMs: number): Effect {
  const type = failureAlarmType(raw.decoder);
  return { kind: "alarm", type, text, severity: "MAJOR", status, atMs: nowMs };
}

const statusOps = (raw: RawPayload, { alarmStatuses }: DecodedEffects, nowMs: number): WriteOp[] =>
  alarmStatuses.map(({ type, status }) =>
    updateOp<AlarmDocument>(ALARMS, openAlarmFilter(raw.deviceId, type), { $set: { status, lastUpdated: nowMs } }),
  );

/** @param effects of the decoder alone */
export const madeDocuments = (effects: readonly Effect[]): MadeDocuments => ({
  measurements: effects.filter(({ kind }) => kind === "measurement").length,
  events: effects.filter(({ kind }) => kind === "event").length,
  alarms: effects.flatMap(effect => (effect.kind === "alarm" ? [`${effect.status} ${effect.type}`] : [])),
});

/** The decoder broke, or what it made cannot be stored: the payload is kept with the reason, and an alarm tells. */
export function concludeFailure(
  raw: RawPayload,
  { reason, message, version }: { readonly reason: string; readonly message: string; readonly version?: string },
  nowMs: number,
): Conclusion {
  const text = `Decoder ${raw.decoder} failed on ${raw.path} (${reason}): ${message}`;
  const error = { reason, message, ...(version === undefined ? {} : { decoderVersion: version }) };
  return {
    effects: [failureAlarm(raw, "ACTIVE", text, nowMs)],
    ops: errorOps(raw, error, nowMs),
    trouble: { reason, message },
    alarmOpen: true,
  };
}

/** Its decoder is not there: it stays PENDING until the decoder comes, and an alarm tells. */
export function concludeMissing(raw: RawPayload, nowMs: number): Conclusion {
  const message = `decoder ${raw.decoder} is not installed`;
  return {
    effects: [failureAlarm(raw, "ACTIVE", message, nowMs)],
    ops: [],
    trouble: { reason: "unavailable", message },
    alarmOpen: true,
  };
}

/**
 * @param mayHaveAlarm whether the failure alarm may be open, so that a success clears it
 */
export function concludeResult(
  raw: RawPayload,
  { result, version }: Extract<DecodeOutcome, { ok: true }>,
  device: DecodedDevice,
  mayHaveAlarm: boolean,
  nowMs: number,
): Conclusion {
  const decoded = decodedEffects(result, device, raw.atMs);
  const effects = signedEffects(decoded.effects, { key: raw.decoder, version });
  if (!result.success) {
    const message = result.message ?? "the decoder gave no reason";
    const ops = errorOps(raw, { reason: "undecodable", message, decoderVersion: version }, nowMs);
    return { effects, ops, trouble: { reason: "undecodable", message }, isResult: true };
  }
  const cleared = mayHaveAlarm ? [failureAlarm(raw, "CLEARED", "The decoder works again", nowMs)] : [];
  return {
    effects: [...effects, ...cleared],
    ops: [...(raw.again ? [] : statusOps(raw, decoded, nowMs)), ...doneOps(raw, version, madeDocuments(effects))],
    alarmOpen: false,
    isResult: true,
  };
}
