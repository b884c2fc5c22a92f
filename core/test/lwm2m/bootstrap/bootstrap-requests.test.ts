import { assert } from "chai";
import { MooringError } from "../../../src/base/errors.ts";
import type { CoapMessage } from "../../../src/coap/message.ts";
import { MOVE_WINDOW_MS } from "../../../src/lwm2m/bootstrap/repeated-requests.ts";
import { codeOf, createBootstrapClient, maxAgeOf } from "./support/bootstrap-client.ts";
import {
  configOf,
  createBootstrapWorld,
  PSK_VALUES,
  plain,
  pskAccount,
  SERVER_VALUES,
  serverAccount,
} from "./support/bootstrap-world.ts";

const textOf = ({ payload }: CoapMessage): string => new TextDecoder().decode(payload);

describe("bootstrap server", () => {
  it("B6: a second request while a session runs begins it anew, once", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    client.bend = step => (step === "DELETE /1" ? "silence" : undefined);
    await client.ask();
    await world.settle();
    await client.ask();
    await world.settle();
    assert.deepEqual(client.steps, ["GET /0 40", "DELETE /0", "DELETE /1", "GET /0 40", "DELETE /0", "DELETE /1"]);
    assert.equal(codeOf(await client.ask()), "2.04");
    client.bend = () => undefined;
    await world.clock.advance(5_000);
    assert.equal(client.steps.filter(step => step === "GET /0 40").length, 2);
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
    assert.include(world.server.counters, { requests: 3, started: 1, restarted: 1, ignored: 1, ended: 1 });
  });

  it("B6: a device that asks again after each Finish comes to rest", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    const answers: string[] = [];
    for (let i = 0; i < 5; i++) {
      answers.push(codeOf(await client.ask()));
      await world.settle();
    }
    assert.deepEqual(answers, Array(5).fill("2.04"));
    assert.equal(client.steps.filter(step => step === "POST /bs").length, 2);
    await world.clock.advance(15_000);
    await client.ask();
    await world.settle();
    assert.equal(client.steps.filter(step => step === "POST /bs").length, 3, "later it is served again");
  });

  it("B6: a device whose session fails twice is told when to come again", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    client.bend = step => (step === "PUT /1/0" ? { code: 128 } : undefined);
    for (let i = 0; i < 2; i++) {
      await client.ask();
      await world.settle();
    }
    const answer = await client.ask();
    assert.equal(codeOf(answer), "5.03");
    assert.equal(maxAgeOf(answer), 15);
    assert.equal(world.server.counters.failed, 2);
  });

  it("B6: a repetition of the very message is answered alike and begins nothing", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    const message = { query: ["ep=dev-1"], messageId: 4711, token: Uint8Array.of(1) };
    assert.equal(codeOf(await client.device.send("POST", "/bs", message)), "2.04");
    await world.settle();
    assert.equal(codeOf(await client.device.send("POST", "/bs", message)), "2.04");
    await world.settle();
    assert.equal(world.server.counters.requests, 1);
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
  });

  it("B6: a device that comes back from another port in mid-session is served there", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    for (const port of [2, 3]) {
      client.bend = step => (step === "DELETE /1" ? "silence" : undefined);
      await client.ask("ep=dev-1");
      await world.clock.advance(MOVE_WINDOW_MS);
      client.device.moveTo(port);
    }
    client.bend = () => undefined;
    await client.ask("ep=dev-1");
    await world.settle();
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
    assert.equal(world.reports[0]?.peer.port, 3);
  });

  it("a session goes on where the device's newer secure session is", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    client.bend = step => (step === "DELETE /1" ? "silence" : undefined);
    await client.ask();
    await world.settle();
    client.bend = () => undefined;
    client.device.moveTo(2);
    world.supersede(1, 2);
    world.supersede(7, 8);
    await world.settle();
    assert.deepEqual(world.life, ["started dev-1", "ended dev-1"]);
    assert.equal(world.reports[0]?.peer.port, 2);
    assert.deepEqual(client.steps.slice(2, 4), ["DELETE /1", "DELETE /1"]);
  });

  it("B7: GET /bspack is answered 4.04, the device goes on with /bs", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    assert.equal(codeOf(await client.device.send("GET", "/bspack", { query: ["ep=dev-1"] })), "4.04");
    assert.equal(codeOf(await client.ask()), "2.04");
    await world.settle();
    assert.equal(world.life[1], "ended dev-1");
  });

  for (const [pct, format] of [
    ["", 11542],
    ["&pct=11542", 11542],
    ["&pct=110", 110],
    ["&pct=112", 112],
    ["&pct=11543", 11543],
    ["&pct=", 11542],
  ] as const) {
    it(`B8, 20-2: "ep=dev-1${pct}" is served in ${format}`, async () => {
      await using world = createBootstrapWorld();
      const client = createBootstrapClient(world, 1);
      await client.ask(`ep=dev-1${pct}`);
      await world.settle();
      assert.include(client.steps, `PUT /0/1 ${format}`);
      assert.include(client.steps, `PUT /1/0 ${format}`);
      assert.deepEqual(plain(client.held.get("/0/1")), plain(PSK_VALUES));
      assert.deepEqual(plain(client.held.get("/1/0")), SERVER_VALUES);
      assert.equal(world.reports[0]?.contentFormat, format);
    });
  }

  it("B8: without pct the configured format counts, with it pct", async () => {
    await using world = createBootstrapWorld();
    world.config = async endpoint => configOf(endpoint!, { contentFormat: 112 });
    const [one, other] = [createBootstrapClient(world, 1), createBootstrapClient(world, 2)];
    await one.ask();
    await other.ask("ep=dev-2&pct=110");
    await world.settle();
    assert.include(one.steps, "PUT /0/1 112");
    assert.include(other.steps, "PUT /0/1 110");
  });

  describe("requests that cannot be", () => {
    for (const [query, code, named] of [
      ["ep=dev-1&pct=abc", "4.00", /pct="abc" must be the number of a Content-Format/],
      ["ep=dev-1&pct=99999", "4.00", /pct="99999"/],
      ["ep=dev-1&pct=60", "4.00", /pct="60" is none of TLV \(11542\)/],
      ["ep=", "4.00", /ep=""/],
      ["ep", "4.00", /ep=""/],
      ["ep=a\u0001", "4.00", /ep=/],
    ] as const) {
      it(`"${query.replace("\u0001", "\\u0001")}" is answered ${code} naming the key`, async () => {
        await using world = createBootstrapWorld();
        const answer = await createBootstrapClient(world, 1).ask(query);
        assert.equal(codeOf(answer), code);
        assert.match(textOf(answer), named);
        assert.deepEqual(world.life, []);
        assert.equal(world.server.counters.refused, 1);
      });
    }

    for (const [method, path, code] of [
      ["GET", "/bs", "4.05"],
      ["PUT", "/bs", "4.05"],
      ["POST", "/rd", "4.04"],
      ["POST", "/bs/1", "4.04"],
      ["GET", "/", "4.04"],
    ] as const) {
      it(`${method} ${path} is answered ${code}`, async () => {
        await using world = createBootstrapWorld();
        const { device } = createBootstrapClient(world, 1);
        assert.equal(codeOf(await device.send(method, path, { query: ["ep=dev-1"] })), code);
      });
    }

    it("an endpoint that is not known, or not so, is answered 4.00 and leaves nothing", async () => {
      await using world = createBootstrapWorld();
      world.config = async () => undefined;
      const answer = await createBootstrapClient(world, 1).ask();
      assert.equal(codeOf(answer), "4.00");
      assert.equal(world.server.sessions, 0);
      assert.deepEqual(world.life, []);
    });

    it("a configuration that cannot be used is answered from the failure's row", async () => {
      await using world = createBootstrapWorld();
      world.config = async () => {
        throw new MooringError("VALIDATION", "lwm2mServerUri is missing");
      };
      const answer = await createBootstrapClient(world, 1).ask();
      assert.equal(codeOf(answer), "4.00");
      assert.match(textOf(answer), /lwm2mServerUri/);
    });

    it("a missing ep= is allowed: the device is known by what it proved", async () => {
      await using world = createBootstrapWorld();
      const identity = { kind: "psk", identity: "id-1" } as const;
      const client = createBootstrapClient(world, 1, { identity });
      assert.equal(codeOf(await client.ask("")), "2.04");
      await world.settle();
      assert.deepInclude(world.asked[0], { endpoint: undefined, pct: undefined });
      assert.deepEqual(world.asked[0]?.peer.identity, identity);
      assert.equal(world.life[1], "ended known by its keys");
    });
  });

  describe("versions", () => {
    it("a device that states 1.1 gets a binding without queue mode, one of 1.0 as configured and without what came later", async () => {
      await using world = createBootstrapWorld();
      world.config = async endpoint =>
        configOf(endpoint!, {
          security: [pskAccount({ mode: "X509", certificateUsage: 1 })],
          servers: [serverAccount({ binding: "UQ" })],
        });
      const [newer, older, preferring] = [1, 2, 3].map(port => createBootstrapClient(world, port));
      older!.bend = step =>
        step === "GET /0" ? { code: 69, contentFormat: 40, payload: 'lwm2m="1.0",</0/0>' } : undefined;
      preferring!.bend = step => (step === "GET /0" ? { code: 133 } : undefined);
      await newer!.ask();
      await older!.ask();
      await preferring!.ask("ep=dev-3&pct=112");
      await world.settle();
      assert.equal(newer!.held.get("/1/0")?.["7"], "U");
      assert.equal(newer!.held.get("/0/1")?.["15"], 1);
      assert.equal(older!.held.get("/1/0")?.["7"], "UQ");
      assert.notProperty(older!.held.get("/0/1"), "15");
      assert.equal(preferring!.held.get("/1/0")?.["7"], "U", "pct came with 1.1");
    });

    for (const [what, answer] of [
      ["4.04", { code: 132 }],
      ["4.05", { code: 133 }],
      ["5.01", { code: 161 }],
      ["links that cannot be read", { code: 69, contentFormat: 40, payload: "</0/0" }],
      ["bytes that are no text", { code: 69, contentFormat: 40, payload: Uint8Array.of(0xff, 0xfe) }],
      ["nothing", { code: 69 }],
    ] as const) {
      it(`a Discover answered with ${what} does not end the session`, async () => {
        await using world = createBootstrapWorld();
        world.config = async () => configOf("dev-1", { security: [pskAccount({ instance: 1 })] });
        const client = createBootstrapClient(world, 1);
        client.bend = step => (step === "GET /0" ? answer : undefined);
        await client.ask();
        await world.settle();
        assert.equal(world.life[1], "ended dev-1");
      });
    }
  });
});
