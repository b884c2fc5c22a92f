/** Data of devices for the tests of streaming. */
import type { DeviceData, ResourceValue } from "@mooring/sdk";

export const RECEIVED_MS = Date.UTC(2025, 0, 15, 17, 3, 52, 881);

export const number = (value: number, path: readonly number[] = [3303, 0, 5700]): ResourceValue => ({
  path,
  type: "FLOAT",
  value,
});

export const data = (values: readonly ResourceValue[], over: Partial<DeviceData> = {}): DeviceData => ({
  tenant: "t1",
  deviceId: "65107",
  endpoint: "imei:test:device",
  registrationId: "HKYbqsjcP7",
  source: "READ_RESPONSE",
  receivedAtMs: RECEIVED_MS,
  values,
  ...over,
});

/** The value of a message with one. */
export const firstValue = (message: string): unknown =>
  (JSON.parse(message) as { readonly senMLMessage: readonly { readonly v?: unknown }[] }).senMLMessage[0]?.v;
