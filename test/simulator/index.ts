export { type AcmeReading, type AcmeReadings, acmeFrame, acmeReadingsFrame } from "./acme-frame.ts";
export {
  createSimulatedDevice,
  type SeenRequest,
  type SimulatedDevice,
  type SimulatedDeviceOptions,
} from "./device.ts";
export { type DemoFleet, type DemoFleetOptions, type DemoMeter, startDemoFleet } from "./fleet.ts";
export { type MeterOptions, meterMovement, meterObjects } from "./meter.ts";
export type { ResourceValue, SimulatedObjects } from "./resource.ts";
