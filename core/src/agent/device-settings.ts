/** The LwM2M settings of a device, from the fragments of its managed object: what operators edit is what counts. */
import { isDeepStrictEqual } from "node:util";
import { CONTENT_FORMAT, type ContentFormatName } from "../lwm2m/codecs/codec.ts";
import type { DeviceSettings } from "../lwm2m/registration/device-settings.ts";
import type { Fragments } from "../platform/platform.ts";

export type LogLevel = NonNullable<DeviceSettings["logLevel"]>;

const milliseconds = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;

const contentFormat = (value: unknown): number | undefined =>
  typeof value === "string" && Object.hasOwn(CONTENT_FORMAT, value)
    ? CONTENT_FORMAT[value as ContentFormatName]
    : undefined;

/** OPAQUE, which is also what stands for anything else, is the LwM2M layer's own choice (agent specification 3.3). */
const BINARY_ENCODINGS: readonly unknown[] = ["TLV", "JSON", "TEXT"];
const binaryContentFormat = (value: unknown): number | undefined =>
  BINARY_ENCODINGS.includes(value) ? contentFormat(value) : undefined;

const LEVELS: Readonly<Record<string, LogLevel>> = {
  NONE: "NONE",
  LIFECYCLE: "LIFECYCLE",
  VERBOSE: "VERBOSE",
  TRAFFIC: "VERBOSE",
  FIRMWARE: "VERBOSE",
};
const logLevel = (value: unknown): LogLevel | undefined =>
  typeof value === "string" && Object.hasOwn(LEVELS, value) ? LEVELS[value] : undefined;

/** What is not of its type counts as unset: the fragment may hold anything. */
export function settingsOf(fragments: Fragments): DeviceSettings {
  const settings = {
    awakeTimeMs: milliseconds(fragments["awakeTimeRegistrationParameter"]),
    requestTimeoutMs: milliseconds(fragments["lwm2mRequestTimeout"]),
    contentFormat: contentFormat(fragments["serializationFormat"]),
    binaryContentFormat: binaryContentFormat(fragments["binaryDeliveryEncoding"]),
    logLevel: logLevel(fragments["logLevel"]),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

export const sameSettings = (a: DeviceSettings, b: DeviceSettings): boolean => isDeepStrictEqual(a, b);
