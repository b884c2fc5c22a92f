/** Devices with keys, from a file to their sessions and back, over REST and DTLS. */
import { assert } from "chai";
import { AGENT, awaitOperation, expectStatus, type Operation } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { withHost } from "../harness/with-host.ts";
import { createSimulatedDevice } from "../simulator/device.ts";
import { connectDtls, type UdpDtlsClient } from "../simulator/dtls/connect.ts";
import { openSecuredSocket } from "../simulator/secured-socket.ts";

const KEY = "0011aabb0011aabb0011aabb";
const BOOTSTRAP_KEY = "2233ccdd2233ccdd2233ccdd";
const OTHER_KEY = "deadbeefdeadbeefdeadbeef";
const HEADER =
  "endpoint id;type;securityMode;bootstrapSecurityMode;lwm2m server uri;lwm2m psk_id;lwm2m psk_key;bootstrap psk_id;bootstrap psk_key;PATH";
const rowOf = (endpoint: string): string =>
  `${endpoint};acme_meter;PSK;PSK;coaps://lwm2m.example.com:5784;${endpoint};${KEY};${endpoint}-bs;${BOOTSTRAP_KEY};Plant/Hall`;

describe("registration of devices with keys", () => {
  const suite = withHost();
  const opened: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
  });

  /** A file as multipart; the outcome of its operation. */
  async function send(method: "POST" | "DELETE", ...rows: string[]) {
    const form = new FormData();
    form.set("file", new Blob([[HEADER, ...rows].join("\n")], { type: "text/csv" }), "devices.csv");
    const answer = await fetch(new URL(`${AGENT}/deviceRegistration/bulk`, suite.host.http), {
      method,
      headers: { authorization: suite.api.authorization },
      body: form,
    });
    const operation = (await answer.json()) as Operation;
    assert.equal(answer.status, 201, JSON.stringify(operation));
    return await awaitOperation(suite.api, operation.id);
  }
  const deviceOf = async (endpoint: string): Promise<string | undefined> => {
    const answer = await suite.api.get<{ readonly managedObject: { readonly id: string } }>(
      `/identity/externalIds/c8y_Id/${endpoint}`,
    );
    return answer.status === 404 ? undefined : expectStatus(answer, 200, "finding the device").managedObject.id;
  };
  const handshake = async (serverPort: number, identity: string, key: string): Promise<UdpDtlsClient> => {
    const client = await connectDtls({ serverPort, psk: { identity, key: Buffer.from(key, "hex") } });
    opened.push(client);
    return client;
  };
  const refused = async (serverPort: number, identity: string, key: string): Promise<void> => {
    const outcome = await handshake(serverPort, identity, key).then(
      () => "done",
      () => "refused",
    );
    assert.equal(outcome, "refused");
  };

  it("agent specification 3.2: a file makes the devices, each port takes its own key, a file removes them", async () => {
    const { coapsPort, bootstrapCoapsPort } = suite.host;
    assert.equal((await send("POST", rowOf("file-1"), rowOf("file-2"))).status, "SUCCESSFUL");
    await handshake(coapsPort, "file-1", KEY);
    await handshake(bootstrapCoapsPort, "file-1-bs", BOOTSTRAP_KEY);
    await refused(coapsPort, "file-1", BOOTSTRAP_KEY);
    await refused(coapsPort, "file-1-bs", BOOTSTRAP_KEY);
    await refused(bootstrapCoapsPort, "file-1", KEY);
    const again = await send("POST", rowOf("file-2"), rowOf("file-3"));
    assert.equal(again.status, "FAILED");
    assert.include(again.c8y_Command!.result, "endpoint file-2 is registered already");
    const removal = await send("DELETE", rowOf("file-1"), rowOf("file-2"), rowOf("file-3"));
    assert.equal(removal.status, "SUCCESSFUL", removal.failureReason);
    assert.isUndefined(await deviceOf("file-1"));
    await refused(coapsPort, "file-1", KEY);
    assert.equal((await send("POST", rowOf("file-1"))).status, "SUCCESSFUL");
    await handshake(coapsPort, "file-1", KEY);
  });

  it("agent specification 3.4: a PSK identity is one device's over all, at registration by hand too", async () => {
    await send("POST", rowOf("holder"));
    const serverSecurity = { securityMode: "PSK", publicKeyOrId: "holder", secretKey: "00" };
    const answer = await suite.api.post<{ readonly message: string }>(`${AGENT}/deviceRegistration`, {
      endpointId: "newcomer",
      serverSecurity,
    });
    assert.equal(answer.status, 409);
    assert.include(JSON.stringify(answer.body), "serverSecurity.publicKeyOrId");
    assert.isUndefined(await deviceOf("newcomer"));
  });

  it("20-28: with the device go its registration and its session; what it sends then is not served", async () => {
    await send("POST", rowOf("leaving"));
    const { coapsPort: serverPort } = suite.host;
    const psk = { identity: "leaving", key: Buffer.from(KEY, "hex") };
    const secured = await openSecuredSocket({ serverPort, psk });
    const device = await createSimulatedDevice({
      endpoint: "leaving",
      serverPort,
      objects: new Map(),
      socket: secured.socket,
    });
    opened.push(device);
    await device.register();
    const id = (await deviceOf("leaving"))!;
    assert.equal((await suite.api.del(`${AGENT}/deviceRegistration/${id}`)).status, 204);
    await eventually(() => (secured.dtls.isConnected ? undefined : true), { what: "the end of the session" });
    await refused(serverPort, "leaving", KEY);
  });

  it("keys are in no answer of REST and not in the log of the host", async () => {
    await send("POST", rowOf("silent"));
    await send("POST", `silent;acme;PSK;PSK;coaps://h;silent;${OTHER_KEY};silent-bs;${OTHER_KEY};`);
    await send("POST", `odd;acme;PSK;DISABLED;;odd;${OTHER_KEY}0;;;`);
    const id = (await deviceOf("silent"))!;
    const paths = [
      `/inventory/managedObjects/${id}`,
      "/inventory/managedObjects?pageSize=2000",
      `/identity/globalIds/${id}/externalIds`,
      "/devicecontrol/operations?pageSize=2000",
      "/event/events?pageSize=2000",
      "/alarm/alarms?pageSize=2000",
      `${AGENT}/device/${id}`,
      ...["basic", "bootstrap", "connectivity", "firmware", "servers"].map(
        part => `${AGENT}/v1/device/${id}/configuration/${part}`,
      ),
    ];
    let all = "";
    for (const path of paths) {
      const answer = await suite.api.get(path);
      assert.equal(answer.status, 200, path);
      all += JSON.stringify(answer.body);
    }
    all += suite.host.lines.join("\n");
    assert.include(all, "silent-bs");
    for (const key of [KEY, BOOTSTRAP_KEY, OTHER_KEY]) {
      for (const form of [key, Buffer.from(key, "hex").toString("base64")]) {
        assert.notInclude(all.toLowerCase(), form.toLowerCase());
      }
    }
  });
});
