/** The operations of one device that have not ended, and which of them is next. No I/O. */

export interface DeviceOperations {
  readonly tenant: string;
  readonly deviceId: string;
  readonly endpoint: string;
  /** Ids in the order of creation; those of `urgent` go first and need no budget. */
  urgent: string[];
  waiting: string[];
  /** Timed out: only the next Register or Update brings them back. */
  parked: { readonly id: string; readonly isUrgent: boolean }[];
  /** How many of `waiting` may still start before the next wake. */
  budget: number;
  /** Resolves when there is nothing that can be run now; undefined: nothing is run. */
  draining: PromiseWithResolvers<void> | undefined;
  /** Counts Registers and Updates, so that one that comes while a job is being put back is not missed. */
  wakes: number;
}

export const newDeviceOperations = (tenant: string, deviceId: string, endpoint: string): DeviceOperations => ({
  tenant,
  deviceId,
  endpoint,
  urgent: [],
  waiting: [],
  parked: [],
  budget: 0,
  draining: undefined,
  wakes: 0,
});

/** Ids are decimal and given in ascending order. */
const byAge = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1);

/** In its place by age; nearly always at the end, as many may wait for a device that sleeps for days. */
export function insert(device: DeviceOperations, id: string, isUrgent: boolean): void {
  const line = isUrgent ? device.urgent : device.waiting;
  let at = line.length;
  while (at > 0 && byAge(line[at - 1]!, id) > 0) at--;
  if (line[at - 1] === id) return;
  line.splice(at, 0, id);
}

/** What is to run now; undefined: nothing, before the next wake. */
export function nextOf({ urgent, waiting, budget }: DeviceOperations): string | undefined {
  return urgent[0] ?? (budget > 0 ? waiting[0] : undefined);
}

/** The operation has ended or is put off till the next wake. */
export function take(device: DeviceOperations, id: string, isParked: boolean): void {
  const isUrgent = device.urgent.includes(id);
  if (isUrgent) device.urgent = device.urgent.filter(other => other !== id);
  else {
    device.waiting = device.waiting.filter(other => other !== id);
    device.budget--;
  }
  if (isParked) device.parked.push({ id, isUrgent });
}

/** The device was heard: what timed out may run again. */
export function wake(device: DeviceOperations, budget: number): void {
  for (const { id, isUrgent } of device.parked.splice(0)) insert(device, id, isUrgent);
  device.budget = budget;
  device.wakes++;
}

/** The same for what is urgent; all else is held back till the next wake. */
export function wakeUrgent(device: DeviceOperations): void {
  for (const { id, isUrgent } of device.parked) if (isUrgent) insert(device, id, true);
  device.parked = device.parked.filter(({ isUrgent }) => !isUrgent);
  device.budget = 0;
  device.wakes++;
}

export const countOf = ({ urgent, waiting, parked }: DeviceOperations): number =>
  urgent.length + waiting.length + parked.length;

export const hasUrgent = ({ urgent, parked }: DeviceOperations): boolean =>
  urgent.length > 0 || parked.some(({ isUrgent }) => isUrgent);
