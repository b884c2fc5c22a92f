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
const CONNECTIONS = 4;
const HALF = CONNECTIONS / 2;
const MANY = 3000;
const LIVE = 0x01;
const BACKGROUND = 0x02;
const PAUSE_MS = 1000;

/** Calls as they reach the service, each held until the test answers it. */
interface Held {
  /** First bytes of the payloads of one request. */
  readonly values: readonly number[];
  answer(status?: number): void;
}

describe("decoding/remote: calls in the background", () => {
  let service: HttpService;
  let clock: ManualClock;
  let runtime: RemoteRuntime;
  let arrived: Held[];
  let seen: () => void;

  const valuesOf = (body: string): number[] => {
    const request = JSON.parse(body) as { value?: string; items?: { value: string }[] };
    return (request.items ?? [{ value: request.value! }]).map(({ value }) => Number.parseInt(value, 16));
  };
  const answerTo = (response: ServerResponse, count: number | undefined, status: number): void => {
    const result = { success: true };
    answerJson(
      response,
      status,
      count === undefined ? result : { items: Array.from({ length: count }, () => ({ status: 200, result })) },
    );
  };
  async function arrivals(count: number): Promise<Held[]> {
    while (arrived.length < count) await new Promise<void>(resolve => void (seen = resolve));
    return arrived.splice(0, count);
  }
  const open = async (also: Partial<RemoteService> = {}): Promise<void> => {
    await runtime?.[Symbol.asyncDispose]();
    clock = createManualClock();
    runtime = createRemoteRuntime({
      clock,
      log: silentLog,
      allowedOrigins: [service.origin],
      limits: { connections: CONNECTIONS },
      rules: { failures: 2, pauseMs: PAUSE_MS, maxPauseMs: 60_000, unreachableMs: 60_000 },
    });
    runtime.load(ID, { key: "acme", name: "ACME", version: "1.0.0" }, { url: service.origin, ...also });
  };
  const live = (): Promise<DecodeOutcome> => runtime.decode(ID, inputOf(LIVE));
  const inBackground = (): Promise<DecodeOutcome> => runtime.decode(ID, inputOf(BACKGROUND), { urgency: "background" });
  const times = (count: number, decode: () => Promise<DecodeOutcome>): Promise<DecodeOutcome>[] =>
    Array.from({ length: count }, decode);
  const figures = () => runtime.stats()[0]!;

  beforeEach(async () => {
    service = await openHttpService();
    arrived = [];
    seen = () => {};
    service.answer = ({ url, body }, response) => {
      const values = valuesOf(body);
      const count = url === "/decode" ? undefined : values.length;
      arrived.push({ values, answer: (status = 200) => answerTo(response, count, status) });
      seen();
    };
    await open();
  });
  afterEach(async () => {
    await runtime[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  it(`${MANY} of them at a service that answers none: a live call is made at once, a waiting one goes next`, async () => {
    const background = times(MANY, inBackground);
    const held = await arrivals(HALF);
    assert.deepEqual([...new Set(held.flatMap(({ values }) => values))], [BACKGROUND]);
    assert.deepInclude(figures(), { queued: MANY, queuedInBackground: MANY });
    const first = times(CONNECTIONS - HALF, live);
    const made = await arrivals(CONNECTIONS - HALF);
    assert.deepEqual([...new Set(made.flatMap(({ values }) => values))], [LIVE], "beside those that are held");
    for (const each of made) each.answer();
    assert.deepEqual((await Promise.all(first)).map(reasonOf), ["ok", "ok"]);

    const waiting = times(5 * CONNECTIONS, live);
    // What is held of the background ends: its places go to live calls too.
    for (const each of held) each.answer();
    for (let left = waiting.length - CONNECTIONS; left > 0; left--) {
      const [next] = await arrivals(1);
      assert.deepEqual(next!.values, [LIVE]);
      next!.answer();
    }
    // All have begun now: what comes free is the background's again, and may overtake them on the way.
    const resumed: Held[] = [];
    for (let left = CONNECTIONS; left > 0; ) {
      const [next] = await arrivals(1);
      if (next!.values[0] === BACKGROUND) resumed.push(next!);
      else {
        next!.answer();
        left--;
      }
    }
    assert.deepEqual([...new Set((await Promise.all(waiting)).map(reasonOf))], ["ok"]);
    for (const each of [...resumed, ...(await arrivals(HALF - resumed.length))]) each.answer();
    await arrivals(HALF);
    runtime.unload(ID);
    const ended = (await Promise.all(background)).map(reasonOf);
    assert.lengthOf(
      ended.filter(reason => reason === "ok"),
      2 * HALF,
    );
    assert.lengthOf(
      ended.filter(reason => reason === "unavailable"),
      MANY - 2 * HALF,
    );
  });

  it("payloads of the two never share a batch", async () => {
    await open({ batch: { maxItems: 10 } });
    const outcomes = [...times(3, inBackground), ...times(2, live)];
    await clock.advance(5);
    const batches = await arrivals(2);
    assert.sameDeepMembers(
      batches.map(({ values }) => values),
      [
        [BACKGROUND, BACKGROUND, BACKGROUND],
        [LIVE, LIVE],
      ],
    );
    for (const each of batches) each.answer();
    assert.deepEqual([...new Set((await Promise.all(outcomes)).map(reasonOf))], ["ok"]);
  });

  it("their failures leave live calls alone, and pause the background", async () => {
    const failing = times(HALF, inBackground);
    for (const each of await arrivals(HALF)) each.answer(500);
    assert.deepEqual((await Promise.all(failing)).map(reasonOf), ["callFailed", "callFailed"]);
    const outcome = await inBackground();
    assert.deepInclude(outcome, { reason: "unavailable", retryAtMs: clock.now() + PAUSE_MS });
    assert.isUndefined(figures().pause);
    const one = live();
    (await arrivals(1))[0]!.answer(500);
    assert.equal(reasonOf(await one), "callFailed", "the first failure of live calls");
    const another = live();
    (await arrivals(1))[0]!.answer();
    assert.equal(reasonOf(await another), "ok");

    await clock.advance(PAUSE_MS);
    const trial = inBackground();
    (await arrivals(1))[0]!.answer();
    assert.equal(reasonOf(await trial), "ok");
    assert.equal(figures().calls.status, 3);
  });

  it("where live calls are paused the background is too, also what waits for a connection", async () => {
    const background = times(10, inBackground);
    const held = await arrivals(HALF);
    const failing = times(2, live);
    for (const each of await arrivals(2)) each.answer(500);
    await Promise.all(failing);
    const untilMs = clock.now() + PAUSE_MS;
    assert.equal(figures().pause?.untilMs, untilMs);
    assert.deepInclude(await inBackground(), { reason: "unavailable", retryAtMs: untilMs });
    for (const each of held) each.answer();
    const outcomes = (await Promise.all(background)).map(reasonOf);
    assert.deepEqual(outcomes, ["ok", "ok", ...Array.from({ length: 8 }, () => "unavailable")]);
    assert.lengthOf(service.asked, 4);

    await clock.advance(PAUSE_MS);
    const tries = [...times(3, inBackground), ...times(3, live)];
    const trials = await arrivals(2);
    assert.sameMembers(
      trials.flatMap(({ values }) => values),
      [LIVE, BACKGROUND],
      "one call of each finds out",
    );
    assert.lengthOf(arrived, 0);
    for (const each of trials) each.answer();
    for (const each of await arrivals(4)) each.answer();
    assert.deepEqual([...new Set((await Promise.all(tries)).map(reasonOf))], ["ok"]);
  });
});
