/** An imported device protocol cures the alarms that asked for it (agent specification 15.3). */
import { alarmClearOp } from "../platform/alarm.ts";
import { ALARMS, type AlarmDocument } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import { noMappingAlarmType } from "./failure-alarms.ts";

const PAGE = 500;

/**
 * Clears the open "no mapping" alarms of all devices of a tenant for these objects.
 * @returns how many
 */
export async function clearNoMappingAlarms(
  store: Pick<Store, "collection" | "write">,
  nowMs: number,
  tenant: string,
  objectIds: readonly number[],
): Promise<number> {
  const alarms = store.collection<AlarmDocument>(ALARMS);
  const filter = {
    tenant,
    status: { $in: ["ACTIVE", "ACKNOWLEDGED"] },
    type: { $in: objectIds.map(noMappingAlarmType) },
  } as const;
  let cleared = 0;
  // In order of id, so that an alarm that stays open for whatever reason is not met again.
  for (let last = ""; ; ) {
    const open = await alarms.find({ ...filter, _id: { $gt: last } }, { sort: [["_id", 1]], limit: PAGE });
    if (open.length === 0) return cleared;
    // An alarm's own id frees its key: each alarm is cleared once.
    await store.write(open.map(({ _id, source, type }) => alarmClearOp(source, type, _id, nowMs)));
    cleared += open.length;
    last = open.at(-1)!._id;
  }
}
