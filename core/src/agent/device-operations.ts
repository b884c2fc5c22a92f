/** The operations of one device that have not ended, and which of them is next. No I/O. */
import { compareOrders, type Order } from "./command-operation.ts";

export interface WaitingOperation {
  readonly id: string;
  readonly order: Order;
  readonly isUrgent: boolean;
  /** It has several lines, which become operations of their own: what comes after it waits till they are there. */
  readonly isSplit: boolean;
}

export interface DeviceOperations {
  readonly tenant: string;
  readonly deviceId: string;
  readonly endpoint: string;
  /** In the order of creation; those of `urgent` go first and need no budget. */
  readonly urgent: WaitingOperation[];
  readonly waiting: WaitingOperation[];
  /** Timed out: only the next Register or Update brings them back. */
  readonly parked: WaitingOperation[];
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

const linesOf = ({ urgent, waiting, parked }: DeviceOperations): readonly WaitingOperation[][] => [
  urgent,
  waiting,
  parked,
];

/** In its place by age; nearly always at the end, as many may wait for a device that sleeps for days. @returns false: it was there */
export function insert(device: DeviceOperations, operation: WaitingOperation): boolean {
  const line = operation.isUrgent ? device.urgent : device.waiting;
  let at = line.length;
  while (at > 0 && compareOrders(line[at - 1]!.order, operation.order) > 0) at--;
  if (line[at - 1]?.id === operation.id) return false;
  line.splice(at, 0, operation);
  return true;
}

/** What is to run now; undefined: nothing, before the next wake or before lines are there. */
export function nextOf({ urgent, waiting, budget }: DeviceOperations): WaitingOperation | undefined {
  const next = urgent[0] ?? (budget > 0 ? waiting[0] : undefined);
  return next?.isSplit ? undefined : next;
}

/** It is not to be run any more. @returns false: it was not there */
export function remove(device: DeviceOperations, { id }: WaitingOperation): boolean {
  for (const line of linesOf(device)) {
    const at = line.findIndex(operation => operation.id === id);
    if (at < 0) continue;
    line.splice(at, 1);
    return true;
  }
  return false;
}

/** The operation was run: it has ended, or is put off till the next wake. */
export function take(device: DeviceOperations, operation: WaitingOperation, isParked: boolean): void {
  if (!remove(device, operation)) return;
  if (!operation.isUrgent) device.budget--;
  if (isParked) device.parked.push(operation);
}

/** The device was heard: what timed out may run again. */
export function wake(device: DeviceOperations, budget: number): void {
  for (const operation of device.parked.splice(0)) insert(device, operation);
  device.budget = budget;
  device.wakes++;
}

/** The device registered: what is not urgent is held back till the next wake. */
export function hold(device: DeviceOperations): void {
  device.budget = 0;
  device.wakes++;
}

/** The same as {@link wake} for what is urgent alone. */
export function wakeUrgent(device: DeviceOperations): void {
  const left = device.parked.splice(0);
  for (const operation of left) {
    if (operation.isUrgent) insert(device, operation);
    else device.parked.push(operation);
  }
  hold(device);
}

export const find = (device: DeviceOperations, id: string): WaitingOperation | undefined =>
  linesOf(device)
    .flat()
    .find(operation => operation.id === id);

export const countOf = ({ urgent, waiting, parked }: DeviceOperations): number =>
  urgent.length + waiting.length + parked.length;

export const hasUrgent = ({ urgent, parked }: DeviceOperations): boolean =>
  urgent.length > 0 || parked.some(({ isUrgent }) => isUrgent);
