/** The tools of the black-box tests: each must be able to fail, and say why. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { assert } from "chai";
import { eventually, within } from "../harness/eventually.ts";
import { logLine } from "../harness/host.ts";
import { portsOutside, takePort } from "../harness/ports.ts";
import { startProcess } from "../harness/process.ts";
import { openRawDevice } from "../harness/raw-device.ts";
import { openRawServer } from "../harness/raw-server.ts";
import { optionNumber, uintBytes, uriOptions } from "../harness/raw-socket.ts";

const node = (script: string, ...args: string[]) =>
  startProcess({ name: "a script", command: process.execPath, args: [...args, "-e", script] });

/** @returns the message it was rejected with */
async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return assert.fail("it was fulfilled");
}

describe("harness/eventually", () => {
  it("returns what is seen once it is there", async () => {
    let looks = 0;
    assert.equal(await eventually(() => (++looks === 3 ? "there" : undefined), { everyMs: 1 }), "there");
  });

  it("names what was awaited and what was last seen", async () => {
    const looking = eventually(() => assert.equal(1, 2), { withinMs: 30, everyMs: 5, what: "two" });
    assert.match(await failure(looking), /^two was not seen within 30 ms; last seen: expected 1 to equal 2/);
  });

  it("within() rejects a promise that stays open", async () => {
    assert.equal(await failure(within(new Promise(() => {}), 10, "dawn")), "dawn did not happen within 10 ms");
  });
});

describe("harness/process", () => {
  it("finds a line on standard output or error, before and after it is asked for", async () => {
    await using child = node("console.log('one'); process.stdin.once('data', () => console.error('two'))");
    assert.equal(await child.line(/one/), "one");
    assert.equal(await child.line(line => line === "one"), "one");
    child.write("go");
    assert.equal(await child.line(/two/), "two");
  });

  it("a process that ends first is a failure with its output", async () => {
    await using child = node("console.log('last words'); process.exit(3)");
    const message = await failure(child.line(/never/));
    assert.match(message, /a script ended \(3\) before the line came/);
    assert.include(message, "last words");
  });

  it("stop() ends one that ignores SIGTERM", async () => {
    const child = node("process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)");
    await child.line(/up/);
    assert.deepEqual(await child.stop(100), { code: null, signal: "SIGKILL" });
  });

  it("a program that is not there is a failure", async () => {
    const child = startProcess({ name: "nothing", command: "/no/such/program", args: [] });
    assert.include(await failure(child.ended), "ENOENT");
  });
});

describe("harness/ports", () => {
  for (const [what, picked, expected] of [
    ["Linux", [32_768, 60_999], [10_240, 32_767]],
    ["one that picks from low ones", [1024, 49_151], [49_152, 65_535]],
    ["one that picks from high ones", [49_152, 65_535], [10_240, 49_151]],
    ["one that picks from all", [1024, 65_535], [10_240, 32_767]],
  ] as const) {
    it(`are outside of what the system picks from: ${what}`, () => {
      assert.deepEqual(portsOutside(picked), expected);
    });
  }

  it("are given to no two processes, and to none that comes while nobody holds them", async () => {
    const script = `
      import { takePort } from ${JSON.stringify(new URL("../harness/ports.ts", import.meta.url).href)};
      const ports = [];
      while (ports.length < 200) ports.push(await takePort());
      console.log("ports " + ports.join(" "));
      process.stdin.resume();`;
    const taken: number[] = [];
    await using opened = new AsyncDisposableStack();
    const takers = Array.from({ length: 3 }, () => opened.use(node(script, "--input-type=module-typescript")));
    for (let count = 0; count < 200; count++) taken.push(await takePort());
    for (const taker of takers) taken.push(...(await taker.line(/^ports /, 30_000)).split(" ").slice(1).map(Number));
    assert.equal(new Set(taken).size, 800);
  });

  it("one that somebody holds is passed over, for TCP and for UDP", async () => {
    for (;;) {
      const before = await takePort();
      const server = createServer().listen(before + 1, "127.0.0.1");
      const socket = createSocket("udp4").bind(before + 2, "127.0.0.1");
      const held = await Promise.allSettled([once(server, "listening"), once(socket, "listening")]);
      const isHeld = held.every(({ status }) => status === "fulfilled");
      const next = isHeld ? await takePort() : undefined;
      if (server.listening) server.close();
      socket.close();
      // What follows the last port of a block may be another process's.
      if (next === undefined) continue;
      assert.notInclude([before + 1, before + 2], next);
      return;
    }
  });
});

describe("harness/host", () => {
  it("reads a log line by its event and nothing else", () => {
    const line = '{"level":"info","event":"server.ready","http":"http://127.0.0.1:1"}';
    assert.equal(logLine<{ http: string }>(line, "server.ready")?.http, "http://127.0.0.1:1");
    assert.isUndefined(logLine(line, "server.stopped"));
    assert.isUndefined(logLine('not JSON "server.ready"', "server.ready"));
    assert.isUndefined(logLine('{"event":"x","about":"server.ready"}', "server.ready"));
  });
});

describe("harness/raw-device", () => {
  it("registers, answers, notifies and goes on from another port", async () => {
    await using server = await openRawServer();
    await using device = await openRawDevice(server.port);
    const registering = device.register({ endpoint: "raw", query: "lt=60" });
    const register = await server.acceptRegister("R1");
    assert.equal(await registering, "/rd/R1");
    const asking = server.ask(register.fromPort, { code: "0.01", uri: "/3303/0/5700", observe: 0 });
    const observation = await device.expectRequest("0.01", "/3303/0/5700");
    await device.answer(observation, {
      code: "2.05",
      payload: "21",
      contentFormat: 0,
      options: [{ name: "Observe", value: uintBytes(7) }],
    });
    const answer = await asking;
    assert.deepEqual([answer.code, answer.payload.toString(), optionNumber(answer, "Observe")], ["2.05", "21", 7]);
    const messageId = await device.notify(observation, 300, { code: "2.05", payload: "22" }, true);
    const notification = await server.notification(observation.token, "ack");
    assert.deepEqual([notification.messageId, optionNumber(notification, "Observe")], [messageId, 300]);
    const firstPort = device.socket.port;
    await device.rebind();
    const updating = device.request({ code: "0.02", uri: "/rd/R1" });
    const update = await server.accept("0.02", "/rd/R1", "2.04");
    assert.equal((await updating).code, "2.04");
    assert.notEqual(update.fromPort, firstPort);
  });

  it("a request that is repeated is there once, and again only as long as nothing answers it (RFC 7252 section 4.2)", async () => {
    await using server = await openRawServer();
    await using device = await openRawDevice(server.port);
    const ask = (messageId: number, uri: string): Promise<void> =>
      server.socket.send({ code: "0.01", confirmable: true, messageId, options: uriOptions(uri) }, device.socket.port);
    const acknowledged = (messageId: number) =>
      server.socket.receive("the acknowledgement", each => each.ack && each.messageId === messageId);
    for (const _ of [1, 2]) await ask(1, "/x");
    await device.expectRequest("0.01", "/x");
    await ask(1, "/x");
    await device.answer(await device.expectRequest("0.01", "/x"), { code: "4.04" });
    const first = await acknowledged(1);
    await ask(1, "/x");
    assert.deepEqual((await acknowledged(1)).bytes, first.bytes);
    await ask(2, "/x");
    assert.equal((await device.expectRequest("0.01", "/x")).messageId, 2);
    await device.socket.silence(0);
  });

  it("a message that does not come is a failure listing what came", async () => {
    await using server = await openRawServer();
    await using device = await openRawDevice(server.port);
    await device.send({
      code: "0.01",
      confirmable: true,
      messageId: 5,
      token: Buffer.from("ab", "hex"),
      options: uriOptions("/x"),
    });
    await server.socket.receive("the GET", message => message.code === "0.01");
    await device.send({ code: "0.02", confirmable: true, messageId: 6, options: uriOptions("/y") });
    const message = await failure(server.socket.receive("a DELETE", each => each.code === "0.04", 50));
    assert.equal(message, "a DELETE did not happen within 50 ms; came instead: CON 0.02 mid 6 token empty /y [0]");
  });
});
