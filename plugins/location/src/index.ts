/** Location, object 6: the device's position and an event for each new one (agent specification 1.1). */
import type { DefaultHandler, InstanceInput, Plugin } from "@mooring/sdk";

const LOCATION = 6;
const LATITUDE = 0;
const LONGITUDE = 1;
const ALTITUDE = 2;

const DECIMAL = /^[+-]?\d+(?:\.\d+)?$/;

/** Early devices send decimal text (LwM2M 1.0). */
function degrees(value: ReturnType<InstanceInput["value"]>, limit: number): number | undefined {
  const number = typeof value === "string" && DECIMAL.test(value.trim()) ? Number(value) : value;
  return typeof number === "number" && Math.abs(number) <= limit ? number : undefined;
}

/** One run per message, so that latitude and longitude make one position, with what came earlier where one is missing. */
const HANDLER: DefaultHandler = {
  objectId: LOCATION,
  resources: [LATITUDE, LONGITUDE, ALTITUDE],
  needsLastValues: true,
  run({ value, atMs }) {
    const lat = degrees(value(LATITUDE), 90);
    const lng = degrees(value(LONGITUDE), 180);
    if (lat === undefined || lng === undefined) return [];
    const alt = degrees(value(ALTITUDE), Number.MAX_VALUE);
    const position = alt === undefined ? { lat, lng } : { lat, lng, alt };
    return [
      { kind: "inventory", set: { c8y_Position: position } },
      {
        kind: "event",
        type: "c8y_LocationUpdate",
        text: "Location updated",
        atMs,
        properties: { c8y_Position: position },
      },
    ];
  },
};

export default {
  activate: host => void host.handlers.add(HANDLER),
} satisfies Plugin;
