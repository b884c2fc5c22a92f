/** Images and updates over REST, as an operator makes them. */
import { AGENT, expectStatus, type Operation } from "./agent.ts";
import type { Api } from "./api.ts";

export interface FirmwareUpdate {
  readonly operationId: string;
  readonly status: string;
  readonly step?: string;
  readonly since?: string;
  readonly waitsFor?: string;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly timeline: readonly { readonly step: string; readonly text: string; readonly count?: number }[];
}

/** @returns id of the binary's managed object */
export async function storeImage(api: Api, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const form = new FormData();
  form.set("object", new Blob([JSON.stringify({ name: "image.bin" })], { type: "application/json" }));
  form.set("file", new Blob([bytes]), "image.bin");
  return expectStatus(await api.post<{ readonly id: string }>("/inventory/binaries", form), 201, "the image").id;
}

export async function updateFirmware(api: Api, deviceId: string, url: string, version = "2.0"): Promise<Operation> {
  const body = { deviceId, c8y_Firmware: { name: "fw", version, url } };
  return expectStatus(await api.post<Operation>("/devicecontrol/operations", body), 201, `update of ${deviceId}`);
}

/** Newest first. */
export async function firmwareUpdates(api: Api, deviceId: string): Promise<readonly FirmwareUpdate[]> {
  const answer = await api.get<{ readonly updates: readonly FirmwareUpdate[] }>(`${AGENT}/firmware/${deviceId}`);
  return expectStatus(answer, 200, "firmware updates").updates;
}
