/** Suites with CBC, which the host has for old devices where it is told to (`dtls.cbc`). */
import { assert } from "chai";
import { registerPskDevice } from "../../harness/agent.ts";
import { chosenSuite } from "../../harness/dtls-wire.ts";
import { openNatProxy } from "../../harness/nat-proxy.ts";
import type { HostInTest } from "../../harness/with-host.ts";
import { CERTIFIED_ENDPOINT, type CertificatePeer } from "./certificate-suite.ts";
import type { DtlsOutcome, DtlsPeer } from "./dtls-peer.ts";

const KEY = "a-key-for-peers-1";

export const CBC_ON = { MOORING_DTLS_CBC: "true" };

/** @param suite of a host with {@link CBC_ON}; for peers with certificates as `certificatePeerSuite` has it */
export function cbcSuite(
  suite: HostInTest,
  { keys = [], certificates = [] }: { keys?: readonly DtlsPeer[]; certificates?: readonly CertificatePeer[] },
): void {
  const registers = async (number: number, register: (port: number) => Promise<DtlsOutcome>): Promise<void> => {
    await using proxy = await openNatProxy({ serverPort: suite.host.coapsPort });
    const { code, output } = await register(proxy.port);
    suite.onFailure(() => output);
    assert.equal(code, "2.01");
    assert.equal(chosenSuite(proxy.passed), number);
  };

  for (const peer of keys) {
    for (const [name, number] of Object.entries(peer.cbcSuites ?? {})) {
      it(`${peer.name} registers with its key and ${name}`, async () => {
        const endpoint = `cbc ${peer.name} ${name}`.replaceAll(/\W/g, "-");
        await registerPskDevice(suite.api, { endpoint, key: KEY });
        const account = { endpoint, identity: endpoint, key: KEY, suite: name };
        await registers(number, port => peer.register({ port, ...account }));
      });
    }
  }

  for (const peer of certificates) {
    for (const [name, number] of Object.entries(peer.cbcSuites ?? {})) {
      it(`${peer.name} registers with its certificate and ${name}`, async () => {
        const account = { endpoint: CERTIFIED_ENDPOINT, certificate: "device-1", suite: name };
        await registers(number, port => peer.register({ port, ...account }));
      });
    }
  }
}
