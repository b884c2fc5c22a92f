import { assert } from "chai";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import type { CoapRequest } from "../../../src/coap/request.ts";
import { CORE_MODELS } from "../../../src/lwm2m/bootstrap/account-values.ts";
import { codecFor } from "../../../src/lwm2m/codecs/codec-table.ts";
import { parsePath } from "../../../src/lwm2m/path.ts";
import { endpointOver } from "../support/lwm2m-world.ts";
import { HOST_ADDRESS, HOST_PORT } from "../support/scripted-device.ts";
import { type BootstrapClient, codeOf, createBootstrapClient } from "./support/bootstrap-client.ts";
import {
  configOf,
  createBootstrapWorld,
  PSK_VALUES,
  plain,
  pskAccount,
  SERVER_URI,
  SERVER_VALUES,
  serverAccount,
} from "./support/bootstrap-world.ts";

describe("bootstrap server", () => {
  it("OMA 0, agent specification 5: answers 2.04, then Discover, Delete, Write, Finish in order", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    const answered = client.ask();
    assert.equal(codeOf(await answered), "2.04");
    assert.deepEqual(world.life, ["started dev-1"]);
    await world.settle();
    assert.deepEqual(client.steps, [
      "GET /0 40",
      "DELETE /0",
      "DELETE /1",
      "PUT /0/1 11542",
      "PUT /1/0 11542",
      "POST /bs",
    ]);
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
    assert.deepEqual(plain(client.held.get("/0/1")), plain(PSK_VALUES));
    assert.deepEqual(plain(client.held.get("/1/0")), SERVER_VALUES);
    assert.equal(world.server.sessions, 0);
  });

  it("OMA 0: what was written is discovered from the root before the Finish where that is asked for", async () => {
    await using world = createBootstrapWorld();
    world.config = async () => configOf("dev-1", { readBack: [[]] });
    const client = createBootstrapClient(world, 1);
    let shown = "";
    client.bend = (step, asked) => {
      if (step === "GET /" && asked.accept === 40) shown = [...client.held.keys()].sort().join(" ");
      return undefined;
    };
    await client.ask();
    await world.settle();
    assert.deepEqual(client.steps.slice(-2), ["GET / 40", "POST /bs"]);
    assert.equal(shown, "/0/0 /0/1 /1/0");
    assert.equal(world.reports[0]?.version, "1.1");
  });

  it("OMA 4: former accounts go, the bootstrap account survives, a fresh account is there", async () => {
    await using world = createBootstrapWorld();
    world.config = async () => configOf("dev-1", { readBack: [[1]] });
    const client = createBootstrapClient(world, 1);
    client.held.set("/0/1", { "0": "coap://former.example.com", "1": false, "2": 3, "10": 77 });
    client.held.set("/1/4", { "0": 77, "1": 60, "6": true, "7": "U" });
    await client.ask();
    await world.settle();
    assert.deepEqual([...client.held.keys()].sort(), ["/0/0", "/0/1", "/1/0"]);
    assert.equal(client.held.get("/0/0")?.["0"], "coap://bs.example.com");
    assert.equal(client.held.get("/0/1")?.["0"], SERVER_URI);
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
  });

  it("OMA 7: a device that falls back to bootstrap later is served again", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    await client.ask();
    await world.settle();
    await world.clock.advance(60_000);
    world.config = async () => configOf("dev-1", { security: [pskAccount({ uri: "coap://other.example.com" })] });
    assert.equal(codeOf(await client.ask()), "2.04");
    await world.settle();
    assert.equal(client.held.get("/0/1")?.["0"], "coap://other.example.com");
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1", "started dev-1", "ended dev-1"]);
  });

  it("OMA 8: access control is written last, /1 and /2 are read back before the Finish", async () => {
    await using world = createBootstrapWorld();
    world.config = async () =>
      configOf("dev-1", {
        accessControl: [
          { instance: 0, objectId: 3, objectInstance: 0, rights: { 1: 15, 2: 1 }, ownerShortServerId: 1 },
        ],
        readBack: [[1], [2]],
      });
    const client = createBootstrapClient(world, 1);
    await client.ask();
    await world.settle();
    assert.deepEqual(client.steps.slice(3), [
      "PUT /0/1 11542",
      "PUT /1/0 11542",
      "PUT /2/0 11542",
      "GET /1 11542",
      "GET /2 11542",
      "POST /bs",
    ]);
    assert.deepEqual(client.held.get("/2/0"), { "0": 3, "1": 0, "2/1": 15, "2/2": 1, "3": 1 });
    const readBack = world.reports[0]!.readBack.map(({ path, value }) => [path.join("/"), value]);
    assert.deepEqual(Object.fromEntries(readBack), {
      "1/0/0": 1,
      "1/0/1": 86_400,
      "1/0/6": true,
      "1/0/7": "U",
      "2/0/0": 3,
      "2/0/1": 0,
      "2/0/2/1": 15,
      "2/0/2/2": 1,
      "2/0/3": 1,
    });
  });

  it("OMA 9, B5: a Finish answered 4.06 is a failed session, with the reason", async () => {
    await using world = createBootstrapWorld();
    const { storing: _, ...withoutMandatory } = serverAccount({ minimumPeriodSeconds: 1 });
    world.config = async () => configOf("dev-1", { servers: [withoutMandatory] });
    const client = createBootstrapClient(world, 1);
    await client.ask();
    await world.settle();
    assert.deepEqual(world.life, [
      "started dev-1",
      "failed dev-1 /bs 4.06 Finish was answered 4.06, the device finds its accounts incomplete or inconsistent",
    ]);
    assert.equal(world.server.counters.failed, 1);
    assert.equal(world.server.counters.ended, 0);
  });

  it("B5: a Finish answered with another success but 2.04 is none", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    client.bend = step => (step === "POST /bs" ? { code: 69 } : undefined);
    await client.ask();
    await world.settle();
    assert.equal(world.life[1], "failed dev-1 /bs 2.05 Finish was answered 2.05");
  });

  for (const at of [0, 1, 3]) {
    it(`B1: the device's own account at /0/${at} is never written over`, async () => {
      await using world = createBootstrapWorld();
      const security = [pskAccount(), pskAccount({ instance: 1, shortServerId: 2 })];
      const servers = [serverAccount(), serverAccount({ instance: 1, shortServerId: 2 })];
      world.config = async () => configOf("dev-1", { security, servers });
      const client = createBootstrapClient(world, 1, { bootstrapAt: at });
      await client.ask();
      await world.settle();
      assert.equal(client.held.get(`/0/${at}`)?.["1"], true);
      const written = client.steps.filter(step => step.startsWith("PUT /0/")).map(step => step.split(" ")[1]);
      assert.deepEqual(written, { 0: ["/0/1", "/0/2"], 1: ["/0/0", "/0/2"], 3: ["/0/0", "/0/1"] }[at]);
      assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
    });
  }

  it("B1: without Discover the configured instance decides", async () => {
    await using world = createBootstrapWorld();
    world.config = async () => configOf("dev-1", { security: [pskAccount({ instance: 4 })] });
    const client = createBootstrapClient(world, 1, { version: "1.0" });
    await client.ask();
    await world.settle();
    assert.include(client.steps, "PUT /0/4 11542");
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
    assert.isTrue(world.log.lines.some(({ event }) => event === "bootstrap.step-tolerated"));
  });

  it("B1: an account with a bootstrap server that is written on purpose takes the place of the device's own", async () => {
    await using world = createBootstrapWorld();
    const own = { instance: 0, uri: "coaps://new-bs.example.com:5684", isBootstrap: true, mode: "NO_SEC" } as const;
    world.config = async () => configOf("dev-1", { security: [own, pskAccount({ instance: 1 })] });
    const client = createBootstrapClient(world, 1, { bootstrapAt: 1 });
    await client.ask();
    await world.settle();
    assert.include(client.held.get("/0/1"), { "0": own.uri, "1": true, "2": 3 });
    assert.notProperty(client.held.get("/0/1"), "10");
    assert.equal(client.held.get("/0/2")?.["0"], SERVER_URI);
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
  });

  it("B2: a Delete answered 4.04 is a success, another error is noted and tolerated", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    client.bend = step => (step === "DELETE /0" ? { code: 160, payload: "busy\u0000\n" } : undefined);
    await client.ask();
    await world.settle();
    assert.equal(world.life[1], "ended dev-1");
    const tolerated = world.log.lines.filter(({ event }) => event === "bootstrap.step-tolerated");
    assert.deepEqual(
      tolerated.map(({ fields }) => fields["reason"]),
      ["Delete of /0 was answered 5.00: busy"],
    );
  });

  it("B2: which Deletes are sent is configured per device", async () => {
    await using world = createBootstrapWorld();
    world.config = async () => configOf("dev-1", { deletes: [] });
    const client = createBootstrapClient(world, 1);
    client.bend = step => (step.startsWith("DELETE") ? assert.fail("a fragile client") : undefined);
    await client.ask();
    await world.settle();
    assert.deepEqual(client.steps, ["GET /0 40", "PUT /0/1 11542", "PUT /1/0 11542", "POST /bs"]);
  });

  it("B3: instances are what the device's configuration says", async () => {
    await using world = createBootstrapWorld();
    world.config = async () =>
      configOf("dev-1", {
        discover: false,
        security: [pskAccount({ instance: 1 })],
        servers: [serverAccount({ instance: 7 })],
      });
    const client = createBootstrapClient(world, 1);
    await client.ask();
    await world.settle();
    assert.deepEqual(client.steps, ["DELETE /0", "DELETE /1", "PUT /0/1 11542", "PUT /1/7 11542", "POST /bs"]);
  });

  describe("B4: keys of an account", () => {
    const MODES = ["NO_SEC", "PSK", "X509", "RPK"] as const;
    const keys = {
      publicKeyOrIdentity: encodeUtf8("cert"),
      serverPublicKey: encodeUtf8("server"),
      secretKey: encodeUtf8("key"),
    };
    const config = configOf("dev-1", {
      security: MODES.map((mode, i) =>
        pskAccount({ instance: i + 1, mode, ...keys, certificateUsage: 3, shortServerId: i + 1 }),
      ),
      servers: MODES.map((_, i) => serverAccount({ instance: i, shortServerId: i + 1 })),
    });
    /** Key resources by instance: `3` where it holds something, `3-` where it is empty. */
    const keysHeld = (held: BootstrapClient["held"]): string[] =>
      [1, 2, 3, 4].map(i =>
        ["3", "4", "5"]
          .flatMap(id => {
            const value = held.get(`/0/${i}`)?.[id];
            return value instanceof Uint8Array ? [value.length === 0 ? `${id}-` : id] : [];
          })
          .join(" "),
      );

    it("what the object demands is there, empty where the mode has no use for it", async () => {
      await using world = createBootstrapWorld();
      world.config = async () => config;
      const client = createBootstrapClient(world, 1);
      await client.ask();
      await world.settle();
      assert.deepEqual(keysHeld(client.held), ["3- 4- 5-", "3 4- 5", "3 4 5", "3 4 5"]);
      const numbers = [1, 2, 3, 4].map(i => client.held.get(`/0/${i}`)?.["2"]);
      assert.deepEqual(numbers, [3, 0, 2, 1]);
      assert.deepEqual(
        [1, 2, 3, 4].map(i => client.held.get(`/0/${i}`)?.["15"]),
        [undefined, undefined, 3, undefined],
      );
      assert.equal(world.life[1], "ended dev-1");
    });

    it("a device that answers 5.00 to empty ones gets what its mode needs, and no others", async () => {
      await using world = createBootstrapWorld();
      world.config = async () => config;
      const client = createBootstrapClient(world, 1);
      client.bend = (step, { payload, contentFormat }) => {
        if (!step.startsWith("PUT /0/")) return undefined;
        const path = parsePath(step.slice(4));
        const values = codecFor(contentFormat!).decode(payload, { path, models: CORE_MODELS, nowMs: 0 });
        const isEmpty = values.some(({ value }) => value instanceof Uint8Array && value.length === 0);
        return isEmpty ? { code: 160 } : undefined;
      };
      await client.ask();
      await world.settle();
      assert.deepEqual(keysHeld(client.held), ["", "3 5", "3 4 5", "3 4 5"]);
      const writes = client.steps.filter(step => step.startsWith("PUT /0/")).map(step => step.split(" ")[1]);
      assert.deepEqual(writes, ["/0/1", "/0/1", "/0/2", "/0/2", "/0/3", "/0/4"]);
      assert.equal(world.life[1], "ended dev-1");
    });

    it("an account that is refused without them, too, has failed", async () => {
      await using world = createBootstrapWorld();
      const client = createBootstrapClient(world, 1);
      client.bend = step => (step === "PUT /0/1" ? { code: 160 } : undefined);
      await client.ask();
      await world.settle();
      assert.equal(client.steps.filter(step => step.startsWith("PUT /0/1")).length, 2);
      assert.equal(world.life[1], "failed dev-1 /0/1 5.00 Write of /0/1 was answered 5.00");
    });
  });

  it("a long account is written in blocks (RFC 7959)", async () => {
    await using world = createBootstrapWorld();
    const certificate = new Uint8Array(3_000).fill(7);
    const security = [pskAccount({ mode: "X509", publicKeyOrIdentity: certificate })];
    world.config = async () => configOf("dev-1", { security, discover: false, deletes: [], servers: [] });
    const transport = world.network.open("192.0.2.50", 1);
    const written: CoapRequest[] = [];
    const device = endpointOver({ transport, clock: world.clock, random: createSeededRandom(1), log: world.log })({
      onRequest(request) {
        if (request.method === "PUT") written.push(request);
        return { code: 68, payload: new Uint8Array(0) };
      },
    });
    const host = transport.peerAt(HOST_ADDRESS, HOST_PORT)!;
    await world.wait(
      device.request(host, { method: "POST", path: ["bs"], query: ["ep=dev-1"], payload: new Uint8Array(0) }),
    );
    await world.settle();
    assert.equal(world.life[1], "ended dev-1");
    assert.equal(written.length, 1);
    assert.isAbove(written[0]!.payload.length, 3_000);
    await device[Symbol.asyncDispose]();
  });
});
