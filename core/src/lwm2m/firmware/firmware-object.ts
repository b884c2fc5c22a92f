/** Object 5, Firmware Update (LwM2M TS 1.0.2 appendix E.6, Core 1.1.1 appendix E.6): its numbers as words, and what a message says of them. */
import type { Lwm2mPath } from "../path.ts";
import type { ResourceValue, ScalarValue } from "../resource-value.ts";

export const FIRMWARE_OBJECT = 5;

/** Resource ids. */
export const FIRMWARE = {
  PACKAGE: 0,
  PACKAGE_URI: 1,
  UPDATE: 2,
  STATE: 3,
  RESULT: 5,
  PROTOCOLS: 8,
  METHOD: 9,
} as const;

/** Firmware Version of the Device object. */
export const VERSION_PATH: Lwm2mPath = [3, 0, 3];

export const STATE = { IDLE: 0, DOWNLOADING: 1, DOWNLOADED: 2, UPDATING: 3 } as const;
export const RESULT = { INITIAL: 0, SUCCESS: 1, DEFERRED: 11 } as const;

const STATE_NAMES: readonly string[] = ["idle", "downloading", "downloaded", "updating"];

const RESULT_NAMES: readonly string[] = [
  "initial value",
  "firmware updated",
  "not enough storage for the package",
  "out of memory while downloading",
  "connection lost while downloading",
  "integrity check of the package failed",
  "package type is not supported",
  "the URI of the package is not valid",
  "firmware update failed",
  "protocol is not supported",
  "update was cancelled",
  "update was deferred",
];

/** `state 2 (downloaded)` */
export const stateText = (state: number): string => `state ${state} (${STATE_NAMES[state] ?? "not defined"})`;

/** `Update Result 5: integrity check of the package failed` */
export const resultText = (result: number): string =>
  `Update Result ${result}: ${RESULT_NAMES[result] ?? "not defined by LwM2M"}`;

/** The number in what {@link resultText} wrote, anywhere in a text. */
export function resultIn(text: string): number | undefined {
  const number = /\bUpdate Result (\d{1,3}): /.exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}

export type DeliveryMethod = "PUSH" | "PULL" | "BOTH";
/** As the schemes of URIs. */
export type PackageProtocol = "coap" | "coaps" | "http" | "https" | "coap+tcp" | "coaps+tcp";

/** By the values of resources 9 and 8. */
const METHODS: readonly DeliveryMethod[] = ["PULL", "PUSH", "BOTH"];
const PROTOCOLS: readonly PackageProtocol[] = ["coap", "coaps", "http", "https", "coap+tcp", "coaps+tcp"];

/** What a message says about an update; absent: nothing. */
export interface FirmwareReport {
  readonly state?: number;
  readonly result?: number;
  /** Of `/3/0/3`. */
  readonly version?: string;
}

/** What a device says about itself. */
export interface FirmwareFacts extends FirmwareReport {
  readonly method?: DeliveryMethod;
  /** Empty: it does not say. */
  readonly protocols: readonly PackageProtocol[];
}

const isAt = ({ path }: ResourceValue, instance: number, resource: number): boolean =>
  path[0] === FIRMWARE_OBJECT && path[1] === instance && path[2] === resource;

const whole = (value: ScalarValue | undefined): number | undefined =>
  typeof value === "number" && Number.isInteger(value) ? value : undefined;

function numberAt(values: readonly ResourceValue[], instance: number, resource: number): number | undefined {
  return whole(values.findLast(value => isAt(value, instance, resource))?.value);
}

function versionOf(values: readonly ResourceValue[]): string | undefined {
  const found = values.findLast(({ path }) => path.every((id, level) => id === VERSION_PATH[level]))?.value;
  // C programs send the end marks of their texts.
  return typeof found === "string" ? found.replace(/\0+$/, "") : undefined;
}

const defined = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;

/** @param instance of object 5 */
export const firmwareReport = (values: readonly ResourceValue[], instance: number): FirmwareReport =>
  defined({
    state: numberAt(values, instance, FIRMWARE.STATE),
    result: numberAt(values, instance, FIRMWARE.RESULT),
    version: versionOf(values),
  } as FirmwareReport);

export function firmwareFacts(values: readonly ResourceValue[], instance: number): FirmwareFacts {
  const method = METHODS[numberAt(values, instance, FIRMWARE.METHOD) ?? -1];
  const numbers = values.filter(value => isAt(value, instance, FIRMWARE.PROTOCOLS)).map(({ value }) => whole(value));
  const protocols = numbers.map(number => PROTOCOLS[number ?? -1]).filter(protocol => protocol !== undefined);
  return { ...firmwareReport(values, instance), ...(method && { method }), protocols };
}
