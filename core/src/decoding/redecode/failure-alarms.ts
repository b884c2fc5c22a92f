/** The alarm that tells of a decoder's failures ends with the last of them: of a device that has no ERROR payload left. */
import { alarmClearOp } from "../../platform/alarm.ts";
import { deterministicId } from "../../platform/ids.ts";
import type { WriteOp } from "../../store/store.ts";
import { failureAlarmType } from "../conclusion.ts";
import type { RawPayload } from "../raw-payload.ts";
import type { Payloads } from "./payload-selection.ts";

/**
 * @param ending payloads of one tenant and decoder that are ERROR no more, or will not be with what is written now
 * @param before how many more of a device would not be, though the store says so
 * @returns of each device that has no other the last of these
 */
export async function lastFailures(
  payloads: Payloads,
  ending: readonly RawPayload[],
  before: ReadonlyMap<string, number> = new Map(),
): Promise<RawPayload[]> {
  const last: RawPayload[] = [];
  for (const [managedObject, ofDevice] of Map.groupBy(ending, ({ deviceId }) => deviceId)) {
    const { tenant, decoder } = ofDevice[0]!;
    const others = { tenant, decoder, status: "ERROR", managedObject } as const;
    const filter = { ...others, _id: { $nin: ofDevice.map(({ id }) => id) } };
    const found = await payloads.find(filter, { skip: before.get(managedObject) ?? 0, limit: 1 });
    if (found.length === 0) last.push(ofDevice.at(-1)!);
  }
  return last;
}

/** @param ending as for `lastFailures` */
export async function endedAlarmOps(
  payloads: Payloads,
  ending: readonly RawPayload[],
  nowMs: number,
): Promise<WriteOp[]> {
  return (await lastFailures(payloads, ending)).map(({ deviceId, decoder }) => {
    const type = failureAlarmType(decoder);
    return alarmClearOp(deviceId, type, deterministicId([type, deviceId, String(nowMs)]), nowMs);
  });
}
