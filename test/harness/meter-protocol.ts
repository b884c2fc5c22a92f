/** The device protocol of the simulated meter: what an operator would set up by hand. */
import { describeObject, mapResources } from "./agent.ts";
import type { Api } from "./api.ts";

const observed = { observeParameters: { autoObserve: true } };
const action = (actionName: string) => ({ customAction: { type: null, actionName }, ...observed });

/** /3303/0/5700 -> c8y_Temperature.T */
export async function mapTemperature(api: Api): Promise<void> {
  await describeObject(api, "3303.xml");
  await mapResources(api, 3303, {
    5700: { measurementCreation: { type: "c8y_Temperature", series: "T", unit: "°C" }, ...observed },
  });
}

/** /3/0/0 and /3/0/1 -> name and c8y_Hardware.model */
export async function mapDevice(api: Api): Promise<void> {
  await mapResources(api, 3, { 0: action("device:updateManufacturer"), 1: action("device:updateModelNumber") });
}

/** /4/0/2 -> c8y_SignalStrength.rssi */
export async function mapSignalStrength(api: Api): Promise<void> {
  await mapResources(api, 4, { 2: action("connectivity:updateRssi") });
}

/** /33456/0/123 -> a decoder */
export async function mapAcmeMeter(api: Api, decoder = "acme-meter"): Promise<void> {
  await describeObject(api, "33456.xml");
  await mapResources(api, 33456, { 123: action(`decoder:${decoder}`) });
}
