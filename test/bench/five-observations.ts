/** Five observed resources: temperature, signal strength, position and battery. */
import { mapResources } from "../harness/agent.ts";
import type { Api } from "../harness/api.ts";
import { mapSignalStrength, mapTemperature } from "../harness/meter-protocol.ts";

export const OBSERVED_LINKS = "</1/0>,</3/0>,</4/0>,</6/0>,</3303/0>";

export async function mapFive(client: Api): Promise<void> {
  await mapTemperature(client);
  await mapSignalStrength(client);
  const observed = { observeParameters: { autoObserve: true } };
  const measured = (type: string) => ({ measurementCreation: { type, series: "v" }, ...observed });
  await mapResources(client, 6, { 0: measured("lat"), 1: measured("lng") });
  await mapResources(client, 3, { 9: measured("battery") });
}
