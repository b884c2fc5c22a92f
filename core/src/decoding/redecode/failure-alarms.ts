/** The alarm that tells of a decoder's failures ends with the last of them: of a device that has no ERROR payload left. */
import { alarmClearOp } from "../../platform/alarm.ts";
import { deterministicId } from "../../platform/ids.ts";
import type { WriteOp } from "../../store/store.ts";
import { failureAlarmType } from "../conclusion.ts";
import type { RawPayload } from "../raw-payload.ts";
import type { Payloads } from "./payload-selection.ts";

/** @param ending payloads of one tenant and decoder that are ERROR no more, or will not be with the writes that are given back */
export async function endedAlarmOps(
  payloads: Payloads,
  ending: readonly RawPayload[],
  nowMs: number,
): Promise<WriteOp[]> {
  const ops: WriteOp[] = [];
  for (const [managedObject, ofDevice] of Map.groupBy(ending, ({ deviceId }) => deviceId)) {
    const { tenant, decoder } = ofDevice[0]!;
    const others = { tenant, decoder, status: "ERROR", managedObject } as const;
    const filter = { ...others, _id: { $nin: ofDevice.map(({ id }) => id) } };
    if ((await payloads.find(filter, { limit: 1 })).length > 0) continue;
    const type = failureAlarmType(decoder);
    ops.push(alarmClearOp(managedObject, type, deterministicId([type, managedObject, String(nowMs)]), nowMs));
  }
  return ops;
}
