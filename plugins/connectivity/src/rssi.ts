import type { DeviceView, Effect, ResourceValue } from "@mooring/sdk";

/** Fragment of the device that is copied into each measurement. */
export const COPIED_FRAGMENT = "c8y_Mobile";

const numberOf = ({ value }: ResourceValue): number | undefined =>
  typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;

/**
 * Radio signal strength in dBm as measurement `c8y_SignalStrength`, with the path it came from, the device's name and a copy
 * of its `c8y_Mobile` (agent specification 8.4). Nothing for a value that is no number.
 */
export function signalStrength(value: ResourceValue, atMs: number, device: DeviceView): readonly Effect[] {
  const rssi = numberOf(value);
  if (rssi === undefined || !Number.isFinite(rssi)) return [];
  const path = `/${value.path.join("/")}`;
  const mobile = device.fragments[COPIED_FRAGMENT];
  return [
    {
      kind: "measurement",
      type: "c8y_SignalStrength",
      atMs,
      series: { c8y_SignalStrength: { rssi: { value: rssi, unit: "dBm" } } },
      properties: {
        resourcePath: path,
        [`objectResourcePath_${path}`]: {},
        "device!Name": device.name,
        ...(mobile === undefined ? {} : { [`device!${COPIED_FRAGMENT}`]: mobile }),
      },
    },
  ];
}
