/** Why is a device silent: each fault seeded at its place, and named. */
import { assert } from "chai";
import { AGENT, createCommand, mapResources, registerDevice, registerPskDevice } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { mapAcmeMeter, mapTemperature } from "../harness/meter-protocol.ts";
import { runMooring } from "../harness/mooring-cli.ts";
import { openRawDevice, type RawAnswer, type RawDevice } from "../harness/raw-device.ts";
import type { Received } from "../harness/raw-socket.ts";
import { withHost } from "../harness/with-host.ts";
import { openSecuredSocket } from "../simulator/secured-socket.ts";

interface LinkReport {
  readonly link: string;
  readonly state: string;
  readonly fault?: string;
  readonly text: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}
interface Explanation {
  readonly endpoint: string;
  readonly verdict?: LinkReport;
  readonly links: readonly LinkReport[];
}

const GET = "0.01";
const TEMPERATURE = "/3303/0/5700";
const KEY = "the-right-key-01";
const OBSERVE = { name: "Observe", value: Buffer.from([1]) } as const;

describe("explain", () => {
  const suite = withHost({ env: { MOORING_REGISTRATION_GRACE_PERIOD_SECONDS: "0" } });
  let device: RawDevice;
  let count = 0;
  let endpoint: string;

  before(async () => {
    await mapTemperature(suite.api);
    await mapAcmeMeter(suite.api);
    await mapResources(suite.api, 3303, { 5701: { measurementCreation: { type: "unit", series: "u" } } });
  });
  beforeEach(async () => {
    endpoint = `silent-${++count}`;
    device = await openRawDevice(suite.host.coapPort);
  });
  afterEach(() => device[Symbol.asyncDispose]());

  const ask = async (id: string): Promise<Explanation> =>
    (await suite.api.get<Explanation>(`${AGENT}/explain/${id}`)).body;
  /** Waits until the verdict is that one. */
  const isNamed = (id: string, link: string, fault: string): Promise<LinkReport> =>
    eventually(
      async () => {
        const { verdict } = await ask(id);
        assert.deepInclude(verdict ?? {}, { link, fault }, JSON.stringify(verdict));
        return verdict;
      },
      { what: `the verdict ${fault}` },
    );
  const psk = () => registerPskDevice(suite.api, { endpoint, key: KEY });
  const plain = async (links = "</3303/0>", query?: string): Promise<string> => {
    const { id } = await registerDevice(suite.api, { endpointId: endpoint });
    await device.register({ endpoint, links, ...(query && { query }) });
    return id;
  };
  const answerObserve = async (answer: RawAnswer, path = TEMPERATURE): Promise<Received> => {
    const request = await device.expectRequest(GET, path);
    await device.answer(request, answer);
    return request;
  };
  const observed = (payload = "20", path = TEMPERATURE) =>
    answerObserve({ code: "2.05", contentFormat: 0, payload, options: [OBSERVE] }, path);
  const handshake = (identity: string, key: string, serverPort = suite.host.coapsPort): Promise<unknown> =>
    openSecuredSocket({
      serverPort,
      psk: { identity, key: Buffer.from(key) },
    }).then(
      () => assert.fail("let in"),
      () => undefined,
    );

  it("all links hold: no verdict", async () => {
    const id = await plain();
    await observed();
    await eventually(
      async () => {
        const { verdict, links } = await ask(id);
        assert.isUndefined(verdict, JSON.stringify(verdict));
        assert.deepEqual(new Set(links.map(({ state }) => state)), new Set(["ok"]));
        return true;
      },
      { what: "no verdict" },
    );
  });

  it("a wrong key", async () => {
    const { id } = await psk();
    await handshake(endpoint, "another-key-0001");
    const { evidence } = await isNamed(id, "handshake", "wrong-key");
    assert.deepInclude(evidence, { identity: endpoint, count: 1 });
    assert.match(String(evidence?.["address"]), /^127\.0\.0\.1:\d+$/);
  });

  it("a wrong key, or an identity that nobody has, at the bootstrap server", async () => {
    const identity = `bs-${endpoint}`;
    const { id } = await registerPskDevice(suite.api, { endpoint, key: KEY, bootstrap: { identity, key: KEY } });
    const { bootstrapCoapsPort } = suite.host;
    await handshake(`${identity}-typo`, KEY, bootstrapCoapsPort);
    const { text } = await isNamed(id, "handshake", "unknown-identity");
    assert.include(text, `"${identity}"; "${identity}-typo" came`);
    await handshake(identity, "another-key-0001", bootstrapCoapsPort);
    const { evidence } = await isNamed(id, "handshake", "wrong-key");
    assert.deepInclude(evidence, { identity, count: 1 });
  });

  it("mooring explain says so, and ends with 1", async () => {
    await registerDevice(suite.api, { endpointId: endpoint });
    const { code, output } = await runMooring(suite.host, ["explain", endpoint]);
    assert.equal(code, 1);
    assert.match(output, /^registration +BROKEN/m);
    assert.match(output, /^never-seen: /m);
  });

  it("an identity that nobody has", async () => {
    const { id } = await psk();
    await handshake(`${endpoint}-typo`, KEY);
    const { text } = await isNamed(id, "handshake", "unknown-identity");
    assert.include(text, `${endpoint}-typo`);
  });

  it("a device with a key that comes without it", async () => {
    const { id } = await psk();
    const answer = await device.request({
      code: "0.02",
      uri: `/rd?ep=${endpoint}&lt=60`,
      payload: "</3/0>",
      contentFormat: 40,
    });
    assert.equal(answer.code, "4.03");
    await isNamed(id, "registration", "registration-refused");
  });

  it("a connection that is switched off", async () => {
    const { id } = await registerDevice(suite.api, {
      endpointId: endpoint,
      serverSecurity: { securityMode: "DISABLED" },
    });
    await isNamed(id, "account", "disabled");
  });

  it("a device that never came", async () => {
    const { id } = await registerDevice(suite.api, { endpointId: endpoint });
    await isNamed(id, "registration", "never-seen");
  });

  it("a device that left", async () => {
    const { id } = await registerDevice(suite.api, { endpointId: endpoint });
    const location = await device.register({ endpoint, links: "</1/0>" });
    await device.request({ code: "0.04", uri: location });
    await isNamed(id, "registration", "deregistered");
  });

  it("a device that was not heard of in its lifetime", async () => {
    const id = await plain("</1/0>", "lt=1&lwm2m=1.0&b=U");
    await isNamed(id, "registration", "expired");
  });

  it("a device that sleeps, with what waits for it", async () => {
    const id = await plain("</3303/0>", "lt=600&lwm2m=1.0&b=UQ&at=50");
    await isNamed(id, "reachability", "asleep");
    await createCommand(suite.api, id, "read /1/0");
    const { evidence } = await eventually(
      async () => {
        const { verdict } = await ask(id);
        assert.deepInclude(verdict, { state: "waiting", fault: "asleep" });
        assert.equal(verdict!.evidence?.["operationsWaiting"], 1);
        return verdict!;
      },
      { what: "the waiting operation" },
    );
    assert.match(String(evidence?.["lastSeen"]), /^\d{4}-/);
  });

  it("an object that no file describes", async () => {
    const { evidence } = await isNamed(await plain("</9999/0>"), "model", "no-ddf");
    assert.deepEqual(evidence?.["objects"], ["/9999"]);
  });

  it("an object in a version that is not known", async () => {
    const id = await plain("</3303>;ver=2.0,</3303/0>", "lt=600&lwm2m=1.1&b=U");
    const { text } = await isNamed(id, "model", "version-mismatch");
    assert.include(text, "2.0");
  });

  it("nothing is mapped", async () => {
    await isNamed(await plain("</1/0>"), "observation", "nothing-mapped");
  });

  it("a device that refuses Observe", async () => {
    const id = await plain();
    await answerObserve({ code: "4.05" });
    const next = await device.expectRequest(GET, TEMPERATURE);
    await device.answer(next, { code: "4.05" });
    const { evidence } = await isNamed(id, "observation", "observe-refused");
    assert.deepInclude(evidence, { path: TEMPERATURE, code: "4.05" });
  });

  it("a device that takes Observe for Read", async () => {
    const id = await plain();
    await answerObserve({ code: "2.05", contentFormat: 0, payload: "20" });
    await isNamed(id, "observation", "observe-not-kept");
  });

  it("a device that answers with Reset", async () => {
    const id = await plain();
    const { messageId } = await device.expectRequest(GET, TEMPERATURE);
    await device.send({ code: "0.00", reset: true, messageId });
    await isNamed(id, "observation", "reset");
  });

  it("an observation that the device ended", async () => {
    const id = await plain();
    const observation = await observed();
    await device.send({ code: "4.04", confirmable: true, messageId: device.nextMessageId(), token: observation.token });
    await isNamed(id, "observation", "observation-ended");
  });

  it("values that cannot be read", async () => {
    const id = await plain();
    const observation = await observed();
    await device.notify(observation, 5, { code: "2.05", contentFormat: 0, payload: "not a number" });
    const { evidence } = await isNamed(id, "notification", "undecodable");
    assert.deepInclude(evidence, { path: TEMPERATURE });
  });

  it("values that are no numbers", async () => {
    await mapResources(suite.api, 3303, {
      5701: { measurementCreation: { type: "unit", series: "u" }, observeParameters: { autoObserve: true } },
    });
    const id = await plain();
    await observed();
    await observed("Celsius", "/3303/0/5701");
    await isNamed(id, "mapping", "not-numeric");
  });

  it("a decoder that gives up", async () => {
    const id = await plain("</33456/0>");
    await answerObserve(
      { code: "2.05", contentFormat: 42, payload: Buffer.from("ff", "hex"), options: [OBSERVE] },
      "/33456/0/123",
    );
    const { evidence } = await isNamed(id, "decoder", "decoder-failed");
    assert.deepInclude(evidence, { decoder: "acme-meter", path: "/33456/0/123" });
  });

  it("a decoder that has a rest, because it ran out of time too often", async () => {
    const source = "export default { decode({ value }) { if (value[0]) for (;;); return { success: true }; } };";
    const manifest = { key: "hanging", name: "Hanging", version: "1.0.0" };
    const uploaded = await suite.api.post(`${AGENT}/decoders`, { manifest, source });
    assert.equal(uploaded.status, 201);
    await mapResources(suite.api, 3303, {
      5701: { customAction: { type: null, actionName: "decoder:hanging" }, observeParameters: { autoObserve: true } },
    });
    const id = await plain();
    await observed();
    const path = "/3303/0/5701";
    const observation = await answerObserve({ code: "2.05", contentFormat: 0, payload: "1", options: [OBSERVE] }, path);
    for (let number = 2; number <= 6; number++) {
      await device.notify(observation, number, { code: "2.05", contentFormat: 0, payload: String(number) });
    }
    const { text } = await isNamed(id, "decoder", "decoder-paused");
    assert.match(text, /hanging is left alone until .*: the decoder has a rest: over the time limit/);
    assert.equal((await suite.api.post(`${AGENT}/decoders/hanging/release`, {})).status, 204);
  });

  it("a device that is none of ours is not found", async () => {
    assert.equal((await suite.api.get(`${AGENT}/explain/999999`)).status, 404);
  });
});
