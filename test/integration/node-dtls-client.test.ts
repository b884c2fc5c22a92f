/** The DTLS client that npm has, against the host. It repeats nothing, so a datagram of its own that is lost costs it a handshake more. */
import { assert } from "chai";
import { registerPskDevice } from "../harness/agent.ts";
import { events } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { openNatProxy } from "../harness/nat-proxy.ts";
import { nodeDtlsClient, nodeDtlsRegister } from "../interop/dtls/node-dtls-client.ts";
import { dtlsPeerSuite, secureHost } from "../interop/dtls/peer-suite.ts";

const KEY = "a-key-for-npm-001";

describe("interop/node-dtls-client", () => {
  const suite = secureHost({ MOORING_DTLS_RETRANSMISSION_TIMEOUT_MS: "100" });
  dtlsPeerSuite(suite, nodeDtlsClient);

  it("comes in with new handshakes though a quarter of all datagrams is lost", async function () {
    this.timeout(120_000);
    const endpoint = "npm-loss";
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY });
    await using proxy = await openNatProxy({ serverPort: suite.host.coapsPort, faults: { loss: 0.25 } });
    const outcome = await nodeDtlsRegister({ port: proxy.port, endpoint, identity: endpoint, key: KEY });
    assert.equal(outcome.code, "2.01", outcome.output);
    // An answer that was lost made it register again.
    await eventually(async () => {
      const registered = await events(suite.api, id, "c8y_LWM2MDeviceRegistration");
      return registered.length > 0 ? true : undefined;
    });
  });
});
