import { assert } from "chai";
import { createBootstrapAgent } from "../../src/agent/bootstrap.ts";
import { type ConnectionSecurity, type DeviceAccounts, UNSET_SERVER } from "../../src/agent/device-accounts.ts";
import type { DeviceEvent } from "../../src/agent/lifecycle-events.ts";
import { createManualClock } from "../../src/base/clock.ts";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import type { ManagedObject } from "../../src/platform/platform.ts";
import type { Peer, PeerIdentity } from "../../src/transport/transport.ts";

const device = (endpoint: string, bootstrap: ConnectionSecurity): DeviceAccounts => ({
  endpoint,
  tenant: "t1",
  deviceId: `id-${endpoint}`,
  bootstrap,
  bootstrapShortServerId: 0,
  securityInstanceOffset: 0,
  generateBootstrapServer: false,
  servers: [{ ...UNSET_SERVER, id: "0", uri: "coap://lwm2m.example.com:5783" }],
});

const psk = (pskIdentity: string): ConnectionSecurity => ({ mode: "PSK", pskIdentity, pskKey: Uint8Array.of(1) });

const peer = (identity?: PeerIdentity): Peer => ({
  key: "udp:192.0.2.7:4000",
  address: "192.0.2.7",
  port: 4000,
  ...(identity && { identity }),
});
const asPsk = (identity: string): PeerIdentity => ({ kind: "psk", identity });
const asX509 = (commonName: string, ...subjectAltNames: string[]): PeerIdentity => ({
  kind: "x509",
  commonName,
  subjectAltNames,
});

function setUp(...devices: DeviceAccounts[]) {
  const clock = createManualClock();
  const log = createRecordingLog();
  const events: DeviceEvent[] = [];
  const fragments: Record<string, Record<string, unknown>> = {};
  const agent = createBootstrapAgent({
    accounts: {
      find: async endpoint => devices.find(each => each.endpoint === endpoint),
      async findByPsk(connection, identity) {
        assert.equal(connection, "bootstrap");
        return devices.find(({ bootstrap }) => bootstrap.pskIdentity === identity);
      },
    },
    inventory: {
      findCached: async (tenant, id) =>
        tenant === "t1" ? ({ id, fragments: fragments[id] ?? {} } as unknown as ManagedObject) : undefined,
    },
    events: { addOther: event => void events.push(event) },
    certificates: { serverCertificateDer: () => undefined },
    defaults: {
      lifetimeSeconds: 432_000,
      contentFormat: 11542,
      coapPort: 5683,
      coapsPort: 5684,
      minRequestTimeoutMs: 10_000,
      maxRequestTimeoutMs: 600_000,
    },
    clock,
    log,
  });
  const served = async (endpoint: string | undefined, identity?: PeerIdentity): Promise<string | undefined> =>
    (await agent.config(endpoint, peer(identity), undefined))?.endpoint;
  return { agent, clock, log, events, fragments, served };
}

const WRONG_MODE = /the device is to come with PSK, not with no security/;

describe("agent/bootstrap", () => {
  const DEVICES = [
    device("plain", { mode: "NO_SEC" }),
    device("keyed", psk("keyed-bs")),
    device("other", psk("other-bs")),
    device("certified", { mode: "X509" }),
    device("off", { mode: "DISABLED" }),
  ];

  describe("who is served (agent specification 5, step 1)", () => {
    for (const [what, endpoint, identity, served] of [
      ["a device without keys by its endpoint", "plain", undefined, "plain"],
      ["a device by its bootstrap identity and endpoint", "keyed", asPsk("keyed-bs"), "keyed"],
      ["a device by its bootstrap identity alone", undefined, asPsk("keyed-bs"), "keyed"],
      ["a device by the name in its certificate", "certified", asX509("certified"), "certified"],
      ["a device by another name in its certificate", "certified", asX509("x", "certified"), "certified"],
      ["a certificate alone", undefined, asX509("certified"), "certified"],
      ["not an endpoint that nobody made", "nobody", undefined, undefined],
      ["not a device with keys that comes without", "keyed", undefined, undefined],
      ["not a device without keys that comes with some", "plain", asPsk("keyed-bs"), undefined],
      ["not a device with keys of another", "other", asPsk("keyed-bs"), undefined],
      ["not an identity that nobody has", "keyed", asPsk("server-id"), undefined],
      ["not another name in a certificate", "certified", asX509("stranger"), undefined],
      ["not a certificate in place of a key", "keyed", asX509("keyed"), undefined],
      ["not a raw public key", "certified", { kind: "rpk", publicKey: Uint8Array.of(1) }, undefined],
      ["not a connection that is switched off", "off", undefined, undefined],
    ] as const) {
      it(what, async () => assert.equal(await setUp(...DEVICES).served(endpoint, identity), served));
    }

    it("neither endpoint nor keys: refused naming ep", async () => {
      try {
        await setUp(...DEVICES).served(undefined);
        assert.fail("served");
      } catch (error) {
        assert.isTrue(isFailure(error, "QUERY_INVALID"));
        assert.match((error as Error).message, /ep is missing/);
      }
    });

    it("a certificate with several names alone: refused, whoever made a device of the first of them", async () => {
      const world = setUp(...DEVICES, device("Some Product", { mode: "X509" }));
      const identity = asX509("Some Product", "certified");
      const refused = await world.served(undefined, identity).catch((error: unknown) => error);
      assert.isTrue(isFailure(refused, "QUERY_INVALID"));
      assert.equal(await world.served("certified", identity), "certified");
    });
  });

  it("the managed object decides what is given", async () => {
    const { agent, fragments } = setUp(...DEVICES);
    fragments["id-plain"] = { bootstrapDeletes: "NONE", lwm2mServerInstance: 2, logLevel: "VERBOSE" };
    const config = await agent.config("plain", peer(), undefined);
    assert.deepEqual(config?.deletes, []);
    assert.equal(config?.servers[0]?.instance, 2);
    assert.equal(config?.logLevel, "VERBOSE");
  });

  describe("events (agent specification 15.1)", () => {
    const session = {
      endpoint: "plain",
      tenant: "t1",
      deviceId: "7",
      peer: { key: "k", address: "2001:db8::1", port: 5683 },
      contentFormat: 112,
      logLevel: undefined,
    };

    it("start, end and failure with their fragments", () => {
      const { agent, events } = setUp();
      agent.started(session);
      agent.ended({
        ...session,
        version: "1.1",
        readBack: [
          { path: [1, 0, 1], type: "INTEGER", value: 60 },
          { path: [1, 0, 7], type: "STRING", value: "U\u0000" },
        ],
      });
      agent.failed(session, { path: "/bs", code: 134, reason: "Finish was answered 4.06" });
      const about = { endpoint: "plain", address: "[2001:db8::1]:5683" };
      const contentFormat = "SENML_CBOR (112)";
      const base = { tenant: "t1", deviceId: "7", logLevel: undefined };
      assert.deepEqual(events, [
        {
          ...base,
          type: "c8y_LWM2MDeviceBootstrapStart",
          text: "Bootstrap started",
          fragment: { ...about, contentFormat },
        },
        {
          ...base,
          type: "c8y_LWM2MDeviceBootstrapEnd",
          text: "Bootstrap finished",
          fragment: { ...about, contentFormat, lwm2mVersion: "1.1", readBack: { "/1/0/1": 60, "/1/0/7": "U" } },
        },
        {
          ...base,
          type: "c8y_LWM2MDeviceBootstrapFailure",
          text: "Bootstrap failed: Finish was answered 4.06",
          fragment: { ...about, path: "/bs", coapCode: "4.06", reason: "Finish was answered 4.06" },
        },
      ]);
    });

    it("the log level goes with the session, so that NONE writes none", () => {
      const { agent, events } = setUp();
      agent.started({ ...session, logLevel: "NONE" });
      assert.equal(events[0]?.logLevel, "NONE");
    });

    it("a known device that comes in the wrong mode is told of, not more than once a minute", async () => {
      const { clock, events, log, served } = setUp(...DEVICES);
      for (let i = 0; i < 10; i++) await served("keyed");
      assert.equal(events.length, 2);
      assert.match(events[0]!.text, WRONG_MODE);
      await clock.advance(60_000);
      await served("keyed");
      assert.equal(events.length, 3);
      assert.equal(log.lines.filter(({ event }) => event === "bootstrap.refused").length, 11);
    });

    it("nothing is written about a device in the name of another one's keys, nor of strangers", async () => {
      const { events, served } = setUp(...DEVICES);
      await served("other", asPsk("keyed-bs"));
      await served("nobody");
      assert.deepEqual(events, []);
    });

    it("a configuration that cannot be used is told of, and refused by name", async () => {
      const { agent, events, fragments } = setUp(...DEVICES);
      fragments["id-plain"] = { bootstrapReadBack: "/0" };
      try {
        await agent.config("plain", peer(), undefined);
        assert.fail("served");
      } catch (error) {
        assert.isTrue(error instanceof MooringError && error.code === "VALIDATION");
      }
      assert.match(events[0]!.text, /^Bootstrap failed: bootstrapReadBack must be paths/);
    });
  });
});
