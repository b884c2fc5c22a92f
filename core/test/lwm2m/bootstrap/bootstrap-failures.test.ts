import { assert } from "chai";
import { formatCode } from "../../../src/coap/codes.ts";
import { codeOf, createBootstrapClient, maxAgeOf } from "./support/bootstrap-client.ts";
import { configOf, createBootstrapWorld, serverAccount } from "./support/bootstrap-world.ts";

describe("bootstrap server: failures", () => {
  for (const step of ["GET /0", "DELETE /0", "DELETE /1", "PUT /0/1", "PUT /1/0", "POST /bs"]) {
    it(`silence at ${step} ends the session within its time`, async () => {
      await using world = createBootstrapWorld();
      const client = createBootstrapClient(world, 1);
      client.bend = asked => (asked === step ? "silence" : undefined);
      await client.ask();
      await world.clock.advance(93_000);
      await world.settle();
      assert.match(world.life[1]!, new RegExp(`^failed dev-1 ${step.split(" ")[1]} - .* was not answered in time$`));
      assert.equal(world.server.sessions, 0);
    });
  }

  it("the device's own time limit counts before the host's", async () => {
    await using world = createBootstrapWorld();
    world.config = async () => configOf("dev-1", { requestTimeoutMs: 10_000 });
    const client = createBootstrapClient(world, 1);
    client.bend = () => "silence";
    await client.ask();
    await world.clock.advance(10_100);
    assert.match(world.life[1]!, /^failed dev-1 \/0 - Discover of \/0 was not answered in time$/);
  });

  for (const [step, code] of [
    ["PUT /0/1", 160],
    ["PUT /0/1", 143],
    ["PUT /1/0", 133],
    ["PUT /1/0", 64],
  ] as const) {
    it(`${step} answered ${formatCode(code)} is a failure with path and code`, async () => {
      await using world = createBootstrapWorld();
      const client = createBootstrapClient(world, 1);
      client.bend = asked => (asked === step ? { code, payload: code > 128 ? "no room" : "" } : undefined);
      await client.ask();
      await world.settle();
      const path = step.split(" ")[1];
      const said = code > 128 ? ": no room" : "";
      assert.equal(
        world.life[1],
        `failed dev-1 ${path} ${formatCode(code)} Write of ${path} was answered ${formatCode(code)}${said}`,
      );
      assert.notInclude(client.steps, "POST /bs");
    });
  }

  it("what cannot be read back fails where it was asked for", async () => {
    await using world = createBootstrapWorld();
    world.config = async endpoint => configOf(endpoint!, { readBack: [[1]] });
    const [refusing, garbled] = [createBootstrapClient(world, 1), createBootstrapClient(world, 2)];
    refusing.bend = step => (step === "GET /1" ? { code: 133 } : undefined);
    garbled.bend = step => (step === "GET /1" ? { code: 69, contentFormat: 11542, payload: "\u00ff" } : undefined);
    await refusing.ask();
    await garbled.ask();
    await world.settle();
    assert.include(world.life, "failed dev-1 /1 4.05 Read of /1 was answered 4.05");
    assert.isTrue(world.life.some(line => line.startsWith("failed dev-2 /1 - Read of /1: the answer cannot be read")));
  });

  it("5.03 is asked again after Max-Age", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    let busy = 2;
    client.bend = step => (step === "PUT /0/1" && busy-- > 0 ? { code: 163, maxAge: 3 } : undefined);
    await client.ask();
    await world.clock.advance(7_000);
    assert.equal(world.life[1], "ended dev-1");
  });

  it("an account that its resource cannot hold fails before it is sent", async () => {
    await using world = createBootstrapWorld();
    world.config = async () => configOf("dev-1", { servers: [serverAccount({ lifetimeSeconds: 1.5 })] });
    const client = createBootstrapClient(world, 1);
    await client.ask();
    await world.settle();
    assert.match(world.life[1]!, /^failed dev-1 \/1\/0 - Write of \/1\/0: \/1\/0\/1/);
  });

  it("a session that is cancelled fails with the reason given, and nothing more is sent", async () => {
    await using world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    client.bend = step => (step === "DELETE /0" ? "silence" : undefined);
    await client.ask();
    await world.settle();
    world.server.cancel("dev-1", "the device was removed");
    await world.settle();
    assert.equal(world.life[1], "failed dev-1 /0 - Delete of /0: the device was removed");
    const sent = client.steps.length;
    await world.clock.advance(100_000);
    assert.equal(client.steps.length, sent);
  });

  it("closing ends what runs, each with its failure", async () => {
    const world = createBootstrapWorld();
    const client = createBootstrapClient(world, 1);
    client.bend = () => "silence";
    await client.ask();
    await world.settle();
    await world[Symbol.asyncDispose]();
    assert.match(world.life[1]!, /^failed dev-1 \/0 - .*the host is stopping$/);
  });
});

describe("bootstrap server: many at once", () => {
  it("20-1: 200 devices in parallel, 10 of them silent: none waits for another", async () => {
    await using world = createBootstrapWorld();
    const clients = Array.from({ length: 200 }, (_, i) => createBootstrapClient(world, i + 1));
    for (const client of clients.slice(0, 10)) client.bend = () => "silence";
    await Promise.all(clients.map(client => client.ask()));
    await world.settle();
    assert.equal(world.life.filter(line => line.startsWith("ended")).length, 190, "without any time passing");
    assert.equal(world.server.sessions, 10);
    await world.clock.advance(94_000);
    assert.equal(world.life.filter(line => line.startsWith("failed")).length, 10);
    assert.equal(world.server.sessions, 0);
  });

  it("more sessions than there may be are answered 5.03 with Max-Age; what ends makes room", async () => {
    await using world = createBootstrapWorld({ maxSessions: 2 });
    const clients = [1, 2, 3].map(port => createBootstrapClient(world, port));
    for (const client of clients.slice(0, 2)) client.bend = () => "silence";
    await clients[0]!.ask();
    await clients[1]!.ask();
    const answer = await clients[2]!.ask();
    assert.equal(codeOf(answer), "5.03");
    assert.isAbove(maxAgeOf(answer)!, 0);
    await world.clock.advance(94_000);
    assert.equal(codeOf(await clients[2]!.ask()), "2.04");
  });

  it("sessions begin no faster than allowed; the others are told when to come again", async () => {
    await using world = createBootstrapWorld({ sessionRate: { perSecond: 1, burst: 2 } });
    const clients = [1, 2, 3].map(port => createBootstrapClient(world, port));
    const answers = [];
    for (const client of clients) answers.push(codeOf(await client.ask()));
    assert.deepEqual(answers, ["2.04", "2.04", "5.03"]);
    await world.clock.advance(1_000);
    assert.equal(codeOf(await clients[2]!.ask()), "2.04");
  });

  it("nothing of a session is left when it is over", async () => {
    await using world = createBootstrapWorld();
    const clients = Array.from({ length: 50 }, (_, i) => createBootstrapClient(world, i + 1));
    await Promise.all(clients.map(client => client.ask()));
    await world.settle();
    assert.equal(world.server.sessions, 0);
    await world.clock.advance(600_000);
    assert.include(world.server.coap.counters, { peers: 0, transfers: 0, observations: 0 });
  });
});
