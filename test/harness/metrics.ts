/** Reading `/metrics` of the host. */
import type { Api } from "./api.ts";

export type DtlsFigures = Readonly<Record<string, number>>;

/** @returns NaN where there is no such metric */
export async function metricOf(api: Api, name: string): Promise<number> {
  const { body } = await api.get<string>("/metrics");
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(String(body))?.[1]);
}

/** All of the LwM2M server's secured port, as `handshakes_begun_total`. */
export async function dtlsFigures(api: Api): Promise<DtlsFigures> {
  const { body } = await api.get<string>("/metrics");
  const lines = String(body).matchAll(/^mooring_dtls_(\w+)\{server="server"\} (\S+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, value]) => [name!, Number(value)]));
}

/** What has been counted since `before`. */
export const figuresSince = (before: DtlsFigures, now: DtlsFigures): DtlsFigures =>
  Object.fromEntries(Object.entries(now).map(([name, value]) => [name, value - (before[name] ?? 0)]));
