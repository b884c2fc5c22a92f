/** The simulated meter: Server, Device, Connectivity Monitoring, Location, Temperature and an opaque ACME meter frame. */
import { acmeFrame, acmeReadingsFrame } from "./acme-frame.ts";
import type { SimulatedDevice } from "./device.ts";
import type { ResourceValue, SimulatedInstance, SimulatedObjects, SimulatedResource } from "./resource.ts";

export interface MeterOptions {
  readonly serialNumber: string;
  readonly lifetimeSeconds?: number;
  /** Degrees, WGS 84. */
  readonly latitude?: number;
  readonly longitude?: number;
  /** Runs when the server executes Reboot (/3/0/4). */
  readonly onReboot?: () => void;
}

const text = (value: string, writable = false): SimulatedResource => ({ type: "string", value, writable });
const integer = (value: number, writable = false): SimulatedResource => ({ type: "integer", value, writable });
const float = (value: number): SimulatedResource => ({ type: "float", value });
const executable = (execute: (args: string) => void): SimulatedResource => ({ type: "string", execute });
const instance = (resources: Readonly<Record<number, SimulatedResource>>): SimulatedInstance =>
  new Map(Object.entries(resources).map(([id, resource]) => [Number(id), resource]));
const single = (resources: Readonly<Record<number, SimulatedResource>>) => new Map([[0, instance(resources)]]);

export function meterObjects(options: MeterOptions): SimulatedObjects {
  const { serialNumber, lifetimeSeconds = 86_400, latitude = 53.5511, longitude = 9.9937 } = options;
  const nowSeconds = Math.floor(Date.now() / 1000);
  return new Map([
    [
      1,
      single({
        0: integer(1),
        1: integer(lifetimeSeconds, true),
        6: { type: "boolean", value: false, writable: true },
      }),
    ],
    [
      3,
      single({
        0: text("ACME"),
        1: text("M-100"),
        2: text(serialNumber),
        3: text("1.0.3"),
        4: executable(() => options.onReboot?.()),
        9: integer(97),
        11: { type: "integer", value: new Map<number, ResourceValue>([[0, 0]]) },
        13: { type: "time", value: nowSeconds, writable: true },
        14: text("+01:00", true),
        15: text("Europe/Berlin", true),
        16: text("U"),
      }),
    ],
    [
      4,
      single({
        0: integer(7),
        2: integer(-84),
        4: { type: "string", value: new Map([[0, "10.0.0.7"]]) },
        8: integer(40_961),
        9: integer(1),
        10: integer(262),
      }),
    ],
    [6, single({ 0: float(latitude), 1: float(longitude), 2: float(12), 5: { type: "time", value: nowSeconds } })],
    [3303, single({ 5700: float(21.5), 5701: text("Cel"), 5605: executable(() => {}) })],
    [33456, single({ 123: { type: "opaque", value: acmeFrame({ volts: 230, celsius: 21.5 }) } })],
  ]);
}

/** A number that wanders by at most `step` a turn and stays within its bounds. */
function wander(from: number, step: number, low: number, high: number): () => number {
  let value = from;
  return () => (value = Math.min(high, Math.max(low, value + (Math.random() * 2 - 1) * step)));
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/**
 * @param serialNumber eight digits, in the meter's frames
 * @returns a function that moves the meter's values on by one turn, which notifies whoever observes them
 */
export function meterMovement(device: SimulatedDevice, serialNumber: string): () => void {
  const celsius = wander(21.5, 0.4, 12, 34);
  const volts = wander(230, 1.5, 219, 241);
  const amperes = wander(4, 0.5, 0.2, 16);
  let wattHours = 120_000;
  const dbm = wander(-84, 3, -110, -60);
  const latitude = wander(53.5511, 0.0005, 53.4, 53.7);
  const longitude = wander(9.9937, 0.0005, 9.8, 10.2);
  return () => {
    const temperature = rounded(celsius(), 2);
    device.set("/3303/0/5700", temperature);
    const [u, i] = [volts(), amperes()];
    wattHours += (u * i) / 720;
    const readings = { serialNumber, celsius: temperature, volts: u, amperes: i, watts: u * i, wattHours };
    device.set("/33456/0/123", acmeReadingsFrame(readings));
    device.set("/4/0/2", Math.round(dbm()));
    device.set("/6/0/0", rounded(latitude(), 6));
    device.set("/6/0/1", rounded(longitude(), 6));
  };
}
