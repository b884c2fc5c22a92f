/** The host's certificates over REST, from the fixtures by name. */
import { readFile } from "node:fs/promises";
import { certificateFile, privateKeyFile } from "../simulator/dtls/certificates.ts";
import { expectStatus } from "./agent.ts";
import type { Api } from "./api.ts";

/** What both secure ports of the host prove themselves with (agent specification 2). */
export async function useServerCertificate(api: Api, name: string): Promise<void> {
  const values = {
    "dtls.x509.certificate.default": await readFile(certificateFile(name), "base64"),
    "credentials.dtls.x509.certificateKey.default": await readFile(privateKeyFile(name), "base64"),
  };
  expectStatus(await api.put("/tenant/options/lwm2m-agent", values), 200, `server certificate ${name}`);
}

/** Whose certificates devices of the tenant may come with. */
export async function trustAuthority(api: Api, name: string, tenant = "t1"): Promise<void> {
  const certificate = { name, status: "ENABLED", certInPemFormat: await readFile(certificateFile(name), "utf8") };
  const answer = await api.post(`/tenant/tenants/${tenant}/trusted-certificates`, certificate);
  expectStatus(answer, 201, `trusted certificate ${name}`);
}
