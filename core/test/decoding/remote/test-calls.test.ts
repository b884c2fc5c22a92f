import type { ServerResponse } from "node:http";
import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { createRemoteRuntime, type RemoteRuntime } from "../../../src/decoding/remote/remote-runtime.ts";
import type { RemoteService } from "../../../src/decoding/remote/remote-service.ts";
import type { DecodeOutcome } from "../../../src/sandbox/decoder-runtime.ts";
import { inputOf, reasonOf } from "./decode-input.ts";
import { answerJson, type HttpService, openHttpService } from "./http-service.ts";

const ID = "t1/acme@1.0.0";
const CONNECTIONS = 2;
const FAILURES = 2;
const LIVE = 0x01;
const TEST = 0x02;
const NOBODY = "http://127.0.0.1:1";

describe("decoding/remote: calls of a test", () => {
  let service: HttpService;
  let clock: ManualClock;
  let runtime: RemoteRuntime;
  const released: string[] = [];

  const open = async (also: Partial<RemoteService> = {}): Promise<void> => {
    await runtime?.[Symbol.asyncDispose]();
    clock = createManualClock();
    runtime = createRemoteRuntime({
      clock,
      log: silentLog,
      allowedOrigins: [service.origin, NOBODY],
      limits: { connections: CONNECTIONS },
      rules: { failures: FAILURES, pauseMs: 1000, maxPauseMs: 60_000, unreachableMs: 60_000 },
      onReleased: id => void released.push(id),
    });
    runtime.load(ID, { key: "acme", name: "ACME", version: "1.0.0" }, { url: service.origin, ...also });
  };
  const live = async (): Promise<string> => reasonOf(await runtime.decode(ID, inputOf(LIVE)));
  const test = (): Promise<DecodeOutcome> => runtime.decode(ID, inputOf(TEST), { console: true });
  const pause = async (): Promise<void> => {
    service.answer = (_, response) => answerJson(response, 500, {});
    for (let at = 0; at < FAILURES; at++) assert.equal(await live(), "callFailed");
    assert.equal(await live(), "unavailable");
  };

  beforeEach(async () => {
    released.length = 0;
    service = await openHttpService();
    await open();
  });
  afterEach(async () => {
    await runtime[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  it("that fail, however often, leave the service to live payloads, and no trace in its figures", async () => {
    const before = runtime.stats();
    service.answer = (_, response) => answerJson(response, 500, {});
    for (let at = 0; at < 2 * FAILURES; at++) {
      assert.include(await test(), {
        ok: false,
        reason: "callFailed",
        message: "the decoder service acme gave no result: it answered 500",
      });
    }
    assert.deepEqual(runtime.stats(), before);
    service.answer = (_, response) => answerJson(response, 200, { success: true });
    assert.equal(await live(), "ok");
    await open({ url: NOBODY });
    assert.equal(reasonOf(await test()), "unavailable");
    assert.notProperty(runtime.stats()[0], "pause");
  });

  it("reach a service that is paused, and tell what it answers; its live payloads wait until somebody releases it", async () => {
    await pause();
    const { calls } = runtime.stats()[0]!;
    assert.equal(reasonOf(await test()), "callFailed");
    service.answer = (_, response) => answerJson(response, 200, { success: true });
    assert.equal(reasonOf(await test()), "ok");
    assert.equal(await live(), "unavailable");
    assert.deepEqual(runtime.stats()[0]!.calls, calls);
    assert.isDefined(runtime.stats()[0]!.pause);
    runtime.release(ID);
    assert.deepEqual(released, [ID]);
    assert.notProperty(runtime.stats()[0], "pause");
    assert.equal(await live(), "ok");
    assert.equal(reasonOf(await runtime.decode(ID, inputOf(LIVE), { urgency: "background" })), "ok");
    runtime.release(ID);
    runtime.release("t1/other@1.0.0");
    assert.deepEqual(released, [ID], "what is not paused is not released");
  });

  it("go beside live ones that have every connection, one at a time", async () => {
    const held: { readonly first: number; readonly response: ServerResponse }[] = [];
    let seen = (): void => {};
    service.answer = ({ body }, response) => {
      held.push({ first: Number.parseInt((JSON.parse(body) as { value: string }).value, 16), response });
      seen();
    };
    const arrivals = async (count: number): Promise<void> => {
      while (held.length < count) await new Promise<void>(resolve => void (seen = resolve));
    };
    const answerAll = (): void => {
      for (const { response } of held.splice(0)) answerJson(response, 200, { success: true });
    };
    const lives = Array.from({ length: 2 * CONNECTIONS }, live);
    await arrivals(CONNECTIONS);
    const tests = [test(), test()];
    await arrivals(CONNECTIONS + 1);
    assert.deepEqual(
      held.map(({ first }) => first),
      [LIVE, LIVE, TEST],
    );
    answerAll();
    await arrivals(CONNECTIONS + 1);
    answerAll();
    assert.deepEqual(await Promise.all(lives), ["ok", "ok", "ok", "ok"]);
    assert.deepEqual((await Promise.all(tests)).map(reasonOf), ["ok", "ok"]);
    assert.isAtMost(service.connections, CONNECTIONS + 1);
  });

  it("are a batch of one, at once, where the service declares batches", async () => {
    await open({ batch: { maxItems: 10 } });
    service.answer = (_, response) => answerJson(response, 200, { items: [{ status: 500, message: "no such meter" }] });
    const [one, other] = await Promise.all([test(), test()]);
    assert.include(one, { reason: "callFailed" });
    assert.include((one as { readonly message: string }).message, "it answered 500 for this payload: no such meter");
    assert.deepEqual(other, one);
    assert.deepEqual(
      service.asked.map(({ url, body }) => [url, (JSON.parse(body) as { items: unknown[] }).items.length]),
      [
        ["/decode/batch", 1],
        ["/decode/batch", 1],
      ],
    );
  });
});
