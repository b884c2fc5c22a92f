import { assert } from "chai";
import type { Connection } from "../../src/agent/device-accounts.ts";
import { createDeviceSessions } from "../../src/agent/device-sessions.ts";
import type { PeerIdentity } from "../../src/transport/transport.ts";

const x509 = (commonName: string, ...subjectAltNames: string[]): PeerIdentity => ({
  kind: "x509",
  commonName,
  subjectAltNames,
});
const psk = (identity: string): PeerIdentity => ({ kind: "psk", identity });

/** One tenant with two devices. */
function setUp(present: readonly PeerIdentity[]) {
  const ended: [Connection, PeerIdentity][] = [];
  const sessions = createDeviceSessions({
    records: { endpointsOf: async tenant => new Set(tenant === "t1" ? ["dev", "gateway"] : ["foreign"]) },
    async endSessions(connection, isEnded) {
      for (const identity of present) if (isEnded(identity)) ended.push([connection, identity]);
    },
  });
  return { sessions, ended };
}

describe("agent/device-sessions", () => {
  it("a CA that is trusted no more ends sessions of the tenant's devices, not those of other tenants", async () => {
    const [own, shared] = [x509("dev"), x509("foreign", "gateway")];
    const { sessions, ended } = setUp([own, shared, x509("foreign"), psk("dev")]);
    await sessions.endCertified("t1");
    assert.deepEqual(ended, [
      ["server", own],
      ["server", shared],
      ["bootstrap", own],
      ["bootstrap", shared],
    ]);
  });

  it("those of one device on one connection", async () => {
    const { sessions, ended } = setUp([x509("dev"), psk("id"), psk("dev")]);
    await sessions.end("bootstrap", "dev", { mode: "PSK", pskIdentity: "id" });
    assert.deepEqual(ended, [
      ["bootstrap", x509("dev")],
      ["bootstrap", psk("id")],
    ]);
  });

  it("without a secure transport there are none", async () => {
    const sessions = createDeviceSessions({ records: { endpointsOf: async () => new Set() }, endSessions: undefined });
    await sessions.endCertified("t1");
    await sessions.end("server", "dev", { mode: "NO_SEC" });
  });
});
