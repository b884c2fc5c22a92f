/** Recording a device over REST, and playing a recording against a host. */
import { type ReplayResult, readRecording, replayRecording } from "@mooring/sdk/harness";
import { AGENT, expectStatus } from "./agent.ts";
import type { Api } from "./api.ts";
import type { Host } from "./host.ts";

export interface RecordingStatus {
  readonly recording: boolean;
  readonly packets: number;
  readonly dropped: number;
}

const pathOf = (deviceId: string): string => `${AGENT}/recording/${deviceId}`;

export async function startRecording(api: Api, deviceId: string): Promise<void> {
  expectStatus(await api.put(pathOf(deviceId), { minutes: 10 }), 200, "recording");
}

export const recordingStatus = async (api: Api, deviceId: string): Promise<RecordingStatus> =>
  expectStatus(await api.get<RecordingStatus>(pathOf(deviceId)), 200, "status of the recording");

/** The capture file. */
export async function fetchRecording(host: Pick<Host, "http">, api: Api, deviceId: string): Promise<Uint8Array> {
  const answer = await fetch(new URL(`${pathOf(deviceId)}/pcapng`, host.http), {
    headers: { authorization: api.authorization },
  });
  if (answer.status !== 200) throw new Error(`recording: ${answer.status} ${await answer.text()}`);
  return new Uint8Array(await answer.arrayBuffer());
}

export interface Replay {
  readonly host: Pick<Host, "coapPort">;
  readonly api: Api;
  readonly deviceId: string;
  readonly withinMs?: number;
  /** Fits what was asked of another host, such as the id of a firmware, to this one. */
  readonly adapt?: (fragments: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

/** Operations of the recording are created anew. */
export function replay(
  file: Uint8Array,
  { host, api, deviceId, withinMs, adapt = all => all }: Replay,
): Promise<ReplayResult> {
  return replayRecording({
    recording: readRecording(file),
    host: { address: "127.0.0.1", port: host.coapPort },
    ...(withinMs === undefined ? {} : { withinMs }),
    async operate(fragments) {
      const body = { deviceId, ...adapt(fragments) };
      expectStatus(await api.post("/devicecontrol/operations", body), 201, "operation of the recording");
    },
  });
}
