import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { assert } from "chai";
import { createMqttTarget } from "../src/mqtt-target.ts";
import { RefusedError, type Target } from "../src/target.ts";
import { createWebhookTarget } from "../src/webhook-target.ts";
import { openBroker, type TestBroker } from "./broker.ts";

const never = new AbortController().signal;
async function failure(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  return assert.fail("nothing failed");
}

describe("plugin streaming: MQTT", () => {
  let broker: TestBroker;
  let target: Target;
  beforeEach(async () => {
    broker = await openBroker();
    target = createMqttTarget(broker.url);
  });
  afterEach(async () => {
    await target.close();
    await broker[Symbol.asyncDispose]();
  });

  it("publishes with QoS 1 to lwm2m/data, over one connection", async () => {
    await target.send(["a", "b"], never);
    await target.send(["c"], never);
    assert.deepEqual(broker.received, ["a", "b", "c"]);
    assert.equal(broker.connections, 1);
  });
  it("logs in as the URL says", async () => {
    await using other = createTargetWithLogin(broker);
    await other.target.send(["a"], never);
    assert.equal(broker.login, "meter:secret");
  });
  it("a connection that was cut fails the attempt, or is opened anew by the next", async () => {
    await target.send(["a"], never);
    broker.silent = true;
    const waiting = failure(target.send(["b"], never));
    await broker.until(2);
    broker.cut();
    assert.match((await waiting).message, /closed/);
    broker.silent = false;
    await target.send(["b"], never);
    assert.deepEqual(broker.received, ["a", "b", "b"]);
  });
  it("a broker that is not there fails the attempt; one that comes later is found", async () => {
    const { port } = broker;
    await broker[Symbol.asyncDispose]();
    assert.match((await failure(target.send(["a"], never))).message, /ECONNREFUSED/);
    broker = await openBroker(port);
    await target.send(["a"], never);
    assert.deepEqual(broker.received, ["a"]);
  });
  it("an attempt that is ended leaves nothing behind: the next one is a new connection", async () => {
    broker.silent = true;
    const limit = new AbortController();
    const ended = failure(target.send(["a"], limit.signal));
    await broker.until(1);
    limit.abort(new Error("too late"));
    assert.equal((await ended).message, "too late");
    broker.silent = false;
    await target.send(["b"], never);
    assert.deepEqual(broker.received, ["a", "b"]);
    assert.equal(broker.connections, 2);
  });
});

function createTargetWithLogin(broker: TestBroker): { readonly target: Target } & AsyncDisposable {
  const target = createMqttTarget(`mqtt://meter:secret@127.0.0.1:${broker.port}`);
  return { target, [Symbol.asyncDispose]: target.close };
}

describe("plugin streaming: webhook", () => {
  interface Posted {
    readonly request: IncomingMessage;
    readonly body: string;
  }
  let server: Server;
  let url: string;
  let posted: Posted[];
  /** Undefined: no answer at all. */
  let status: number | undefined;
  const arrivals: { reached?: PromiseWithResolvers<void> } = {};

  beforeEach(async () => {
    [posted, status] = [[], 204];
    server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      posted.push({ request, body });
      arrivals.reached?.resolve();
      if (status !== undefined) response.writeHead(status, { location: "/elsewhere" }).end("text");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=1`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const send = (signal = never) =>
    createWebhookTarget({ url, authorization: "Bearer x" }).send(['{"a":1}', '{"b":2}'], signal);

  it("posts a JSON array, with the header that was given", async () => {
    await send();
    const [{ request, body } = assert.fail("nothing came")] = posted;
    assert.deepEqual([request.method, request.url], ["POST", "/hook?token=1"]);
    assert.deepInclude(request.headers, { "content-type": "application/json", authorization: "Bearer x" });
    assert.deepEqual(JSON.parse(body), [{ a: 1 }, { b: 2 }]);
  });
  it("goes without a header where none was given", async () => {
    await createWebhookTarget({ url }).send(["1"], never);
    assert.isUndefined(posted[0]?.request.headers.authorization);
  });
  for (const code of [400, 413, 415, 422]) {
    it(`${code}: refused for good`, async () => {
      status = code;
      assert.instanceOf(await failure(send()), RefusedError);
    });
  }
  for (const code of [302, 401, 404, 408, 429, 500, 503]) {
    it(`${code}: worth another attempt, and no redirection is followed`, async () => {
      status = code;
      const error = await failure(send());
      assert.equal(error.message, `answered ${code}`);
      assert.notInstanceOf(error, RefusedError);
      assert.lengthOf(posted, 1);
    });
  }
  it("a server that does not answer: the attempt ends when it is told to", async () => {
    status = undefined;
    arrivals.reached = Promise.withResolvers();
    const limit = new AbortController();
    const ended = failure(send(limit.signal));
    await arrivals.reached.promise;
    limit.abort(new Error("too late"));
    assert.equal((await ended).message, "too late");
  });
  it("a server that is not there is said so", async () => {
    server.close();
    assert.match((await failure(send())).message, /ECONNREFUSED/);
  });
});
