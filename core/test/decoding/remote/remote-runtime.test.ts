import { assert } from "chai";
import { createManualClock, systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { DecoderManifest } from "../../../src/contract/decoder.ts";
import { type ResolvedAddress, sharedResolve } from "../../../src/decoding/remote/guarded-connect.ts";
import {
  createRemoteRuntime,
  type RemoteRuntime,
  type RemoteRuntimeParts,
} from "../../../src/decoding/remote/remote-runtime.ts";
import type { RemoteService } from "../../../src/decoding/remote/remote-service.ts";
import type { DecodeOutcome, RuntimeInput } from "../../../src/sandbox/decoder-runtime.ts";
import { inputOf } from "./decode-input.ts";
import { answerJson, type HttpService, openHttpService } from "./http-service.ts";

const ID = "t1/acme@1.0.0";
const manifest: DecoderManifest = { key: "acme", name: "ACME", version: "1.0.0" };
/** For calls that are to take too long; all others have the time that a busy machine may need. */
const IMPATIENT = { limits: { callMs: 250, connectMs: 5_000 } } as const;
const PATIENT = { callMs: 60_000, connectMs: 60_000 } as const;
/** Nobody listens there, and the system gives it to nobody. */
const NOBODY = "http://127.0.0.1:1";
const PAUSE_MS = 1000;
const UNREACHABLE_MS = 60_000;
const input = (first = 0x83): RuntimeInput => inputOf(first, 0x18);

describe("decoding/remote/remote-runtime", () => {
  let service: HttpService;
  let runtime: RemoteRuntime;

  const open = (url: string, more: Partial<RemoteRuntimeParts> = {}, also: Partial<RemoteService> = {}): void => {
    runtime = createRemoteRuntime({
      clock: systemClock,
      log: silentLog,
      allowedOrigins: [service.origin],
      limits: PATIENT,
      rules: { failures: 3, pauseMs: PAUSE_MS, maxPauseMs: UNREACHABLE_MS, unreachableMs: UNREACHABLE_MS },
      ...more,
    });
    runtime.load(ID, manifest, { url, ...also });
  };
  const reopen = async (...as: Parameters<typeof open>): Promise<void> => {
    await runtime[Symbol.asyncDispose]();
    open(...as);
  };
  const decode = (first?: number): Promise<DecodeOutcome> => runtime.decode(ID, input(first));
  const calls = () => runtime.stats()[0]!.calls;

  beforeEach(async () => {
    service = await openHttpService();
    open(service.origin);
  });
  afterEach(async () => {
    await runtime[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  it("9.3: sends the specification's request, byte for byte, with the headers of the service", async () => {
    await reopen(`${service.origin}/service/acme/`, {}, { headers: { Authorization: "Bearer x" } });
    await decode();
    const [{ method, url, headers, rawHeaders, body }] = service.asked as [(typeof service.asked)[0]];
    assert.equal(`${method} ${url}`, "POST /service/acme/decode");
    assert.equal(
      body,
      '{"args":{"resourcePath":"/33456/0/123"},"sourceDeviceId":"12345","serviceKey":"acme","value":"8318","status":"IN_PROGRESS"}',
    );
    for (const [name, value] of [
      ["Content-Type", "application/json"],
      ["Accept", "application/json"],
      ["Authorization", "Bearer x"],
    ] as const) {
      assert.equal(rawHeaders[rawHeaders.indexOf(name) + 1], value);
    }
    assert.equal(headers["content-length"], String(body.length));
  });

  it("9.3: a result comes back as the contract has it, nulls and unknown members aside", async () => {
    const measurements = [{ type: "a", series: "s", time: null, values: [{ seriesName: "x", unit: "V", value: 1.5 }] }];
    service.answer = (_, response) =>
      answerJson(response, 200, { measurements, events: null, success: true, message: null, other: 1 });
    const outcome = await decode();
    assert.isTrue(outcome.ok);
    if (!outcome.ok) return;
    assert.equal(outcome.version, "1.0.0");
    assert.deepEqual(outcome.result.measurements?.[0]?.values, [{ seriesName: "x", unit: "V", value: 1.5 }]);
    assert.deepEqual(calls(), { ok: 1 });
  });

  it("connections are kept: many calls, few connections", async () => {
    for (let at = 0; at < 20; at++) await decode();
    assert.isAtMost(service.connections, 2);
    await Promise.all(Array.from({ length: 100 }, () => decode()));
    assert.isAtMost(service.connections, 16);
    assert.lengthOf(service.asked, 120);
  });

  describe("a service that", () => {
    const failing: readonly (readonly [
      name: string,
      answer: HttpService["answer"],
      reason: string,
      message: RegExp,
    ])[] = [
      ["answers 500 with a result", (_, r) => answerJson(r, 500, { success: true }), "status", /answered 500/],
      ["answers 404", (_, r) => answerJson(r, 404, {}), "status", /answered 404/],
      ["hangs", () => {}, "timeout", /within 250 ms/],
      [
        "is slow within its answer",
        (_, r) => {
          r.writeHead(200);
          r.write('{"success":');
        },
        "timeout",
        /within 250 ms/,
      ],
      [
        "redirects to metadata of a cloud",
        (_, r) => r.writeHead(307, { location: "http://169.254.169.254/latest" }).end(),
        "redirect",
        /307: redirects are not followed/,
      ],
      [
        "answers 10 MB",
        (_, r) => r.writeHead(200).end(Buffer.alloc(10 * 2 ** 20, " ")),
        "tooLarge",
        /over 1048576 bytes/,
      ],
      [
        "answers 10 MB with 500",
        (_, r) => r.writeHead(500).end(Buffer.alloc(10 * 2 ** 20, " ")),
        "status",
        /answered 500/,
      ],
      ["closes early", (_, r) => r.destroy(), "closed", /connection ended/],
      [
        "closes within its answer",
        (_, r) => {
          r.writeHead(200, { "content-length": "100" });
          r.write('{"success":', () => r.destroy());
        },
        "closed",
        /connection ended/,
      ],
      ["speaks no HTTP", (_, r) => r.socket!.end("hello\r\n\r\n"), "closed", /connection ended/],
      ["answers no JSON", (_, r) => r.writeHead(200).end("<html>"), "notJson", /no JSON/],
      ["answers nothing", (_, r) => r.writeHead(204).end(), "notJson", /no JSON/],
      ["answers no UTF-8", (_, r) => r.writeHead(200).end(Buffer.from([0x22, 0xff, 0x22])), "notJson", /no UTF-8/],
    ];
    for (const [name, answer, reason, message] of failing) {
      it(`${name}: a failed call, worth another one`, async () => {
        if (reason === "timeout") await reopen(service.origin, IMPATIENT);
        service.answer = answer;
        const outcome = await decode();
        assert.deepInclude(outcome, { ok: false, reason: "callFailed", version: "1.0.0" });
        if (!outcome.ok) assert.match(outcome.message, message);
        assert.deepEqual(calls(), { [reason]: 1 });
      });
    }

    it("breaks the contract: its payload is done with, another call would bring the same", async () => {
      for (const body of [[], "text", {}, { success: "yes" }, { success: true, measurements: [{ type: "a" }] }]) {
        service.answer = (_, response) => answerJson(response, 200, body);
        assert.deepInclude(await decode(), { ok: false, reason: "invalidResult" });
      }
      assert.deepEqual(calls(), { invalidResult: 5 });
    });

    it("says that it cannot decode: a result, and no failure", async () => {
      service.answer = (_, response) => answerJson(response, 200, { success: false, message: "wrong checksum" });
      assert.deepInclude(await decode(), { ok: true });
    });

    it("is not there: all its payloads are put off", async () => {
      const clock = createManualClock();
      await reopen(NOBODY, { clock, allowedOrigins: [NOBODY] });
      const retryAtMs = clock.now() + UNREACHABLE_MS;
      assert.deepInclude(await decode(), { ok: false, reason: "unavailable", retryAtMs });
      assert.deepInclude(await decode(), { ok: false, reason: "unavailable" });
      assert.deepEqual(calls(), { unreachable: 1 });
      assert.match(runtime.stats()[0]!.pause!.reason, /ECONNREFUSED/);
    });

    it("fails again and again: is left alone, then one call tries, and the others wait for what it finds", async () => {
      const clock = createManualClock();
      await reopen(service.origin, { clock });
      service.answer = (_, response) => answerJson(response, 503, {});
      for (let at = 0; at < 3; at++) await decode();
      await clock.advance(PAUSE_MS - 1);
      assert.deepInclude(await decode(), { reason: "unavailable", retryAtMs: clock.now() + 1 });
      assert.lengthOf(service.asked, 3);
      await clock.advance(1);
      service.answer = (_, response) => answerJson(response, 200, { success: true });
      const outcomes = await Promise.all([decode(), decode(), decode()]);
      assert.deepEqual(
        outcomes.map(({ ok }) => ok),
        [true, true, true],
      );
      assert.isUndefined(runtime.stats()[0]!.pause);
    });

    it("hangs: calls that wait for a connection are not made any more when it is left alone", async () => {
      await reopen(service.origin, IMPATIENT);
      service.answer = () => {};
      const outcomes = await Promise.all(Array.from({ length: 40 }, () => decode()));
      const of = (reason: string) => outcomes.filter(outcome => !outcome.ok && outcome.reason === reason).length;
      // Those that took the places of the first failures had begun before the last of these.
      assert.isAtMost(of("callFailed"), 16 + 3);
      assert.isAtMost(service.asked.length, of("callFailed"));
      assert.equal(of("callFailed") + of("unavailable"), 40);
    });
  });

  describe("a service that resolves to", () => {
    const at = (...addresses: string[]): Promise<ResolvedAddress[]> =>
      Promise.resolve(addresses.map(address => ({ address, family: address.includes(":") ? 6 : 4 })));
    const url = (): string => `http://decoder.example.com:${service.port}`;

    for (const addresses of [
      ["127.0.0.1"],
      ["169.254.169.254"],
      ["10.0.0.7"],
      ["::1"],
      ["::ffff:127.0.0.1"],
      ["8.8.8.8", "127.0.0.1"],
    ]) {
      it(`${addresses.join(" and ")}: is not connected to, and put off`, async () => {
        await reopen(url(), { resolve: () => at(...addresses) });
        const outcome = await decode();
        assert.deepInclude(outcome, { ok: false, reason: "unavailable" });
        if (!outcome.ok) assert.match(outcome.message, /decoder\.example\.com is .+ address.*allowedOrigins/);
        assert.deepEqual(calls(), { address: 1 });
        assert.equal(service.connections, 0);
      });
    }

    it("a loopback address in its URL: the same, in any spelling", async () => {
      for (const host of ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"]) {
        await reopen(`http://${host}:${service.port}`, { allowedOrigins: [] });
        assert.deepInclude(await decode(), { ok: false, reason: "unavailable" }, host);
        assert.deepEqual(calls(), { address: 1 }, host);
      }
      assert.equal(service.connections, 0);
    });

    it("a private address that the operator allowed for this origin: is asked", async () => {
      await reopen(url(), { resolve: () => at("127.0.0.1"), allowedOrigins: [url()] });
      assert.isTrue((await decode()).ok);
      assert.match(service.asked[0]!.headers.host!, /^decoder\.example\.com:/);
    });

    it("another address at each look: what was looked at is what is connected to", async () => {
      await runtime[Symbol.asyncDispose]();
      const answers = ["127.0.0.1", "127.0.0.99"];
      let looks = 0;
      open(url(), { resolve: () => at(answers[Math.min(looks++, 1)]!), allowedOrigins: [url()] });
      assert.isTrue((await decode()).ok);
      assert.equal(looks, 1);
    });

    it("an address that takes its time: is looked up once for all that wait", async () => {
      const looks: string[] = [];
      const gate = Promise.withResolvers<ResolvedAddress[]>();
      const resolve = sharedResolve(hostname => {
        looks.push(hostname);
        return gate.promise;
      });
      const waiting = ["a", "b", "a", "a"].map(resolve);
      assert.deepEqual(looks, ["a", "b"]);
      gate.resolve(await at("127.0.0.1"));
      for (const addresses of await Promise.all(waiting)) assert.equal(addresses[0]!.address, "127.0.0.1");
      await resolve("a");
      assert.deepEqual(looks, ["a", "b", "a"]);
    });

    it("nothing: is put off", async () => {
      await reopen(url(), { resolve: () => Promise.reject(new Error("queryA ENOTFOUND decoder.example.com")) });
      assert.deepInclude(await decode(), { ok: false, reason: "unavailable" });
      assert.deepEqual(calls(), { unreachable: 1 });
    });
  });

  it("a connection that was closed while idle is nobody's failure", async () => {
    await decode();
    let isFirst = true;
    service.answer = (_, response, request) => {
      if (!isFirst) return answerJson(response, 200, { success: true });
      isFirst = false;
      request.socket.destroy();
    };
    assert.isTrue((await decode()).ok);
  });

  it("batches, for services that declare them: one request, a status for each payload", async () => {
    await reopen(service.origin, {}, { batch: { maxItems: 10, path: "/decode/many" } });
    service.answer = ({ body }, response) => {
      const { items } = JSON.parse(body) as { items: readonly { value: string }[] };
      answerJson(response, 200, {
        items: items.map(({ value }) =>
          value.startsWith("02")
            ? { status: 500, message: "no such meter" }
            : { status: 200, result: { success: true, message: value } },
        ),
      });
    };
    const outcomes = await Promise.all([1, 2, 3].map(decode));
    assert.lengthOf(service.asked, 1);
    assert.equal(service.asked[0]!.url, "/decode/many");
    assert.deepInclude(outcomes[0], { ok: true });
    assert.deepInclude(outcomes[1], { ok: false, reason: "callFailed" });
    assert.equal((outcomes[2] as { result: { message: string } }).result.message, "0318");
    await Promise.all(Array.from({ length: 25 }, (_, at) => decode(at + 16)));
    const sizes = service.asked.slice(1).map(({ body }) => (JSON.parse(body) as { items: unknown[] }).items.length);
    assert.sameMembers(sizes, [10, 10, 5]);
  });

  it("a batch whose answer has other items than were sent: each payload is tried again", async () => {
    await reopen(service.origin, {}, { batch: { maxItems: 10 } });
    service.answer = (_, response) => answerJson(response, 200, { items: [] });
    assert.deepInclude(await decode(), { ok: false, reason: "callFailed" });
    assert.equal(service.asked[0]!.url, "/decode/batch");
    await Promise.all(Array.from({ length: 10 }, () => decode()));
    assert.isUndefined(runtime.stats()[0]!.pause, "ten payloads of one call are one failure");
    await decode();
    assert.isDefined(runtime.stats()[0]!.pause);
  });

  it("unloaded, it is not asked", async () => {
    runtime.unload(ID);
    assert.isFalse(runtime.has(ID));
    assert.deepInclude(await decode(), { ok: false, reason: "unavailable" });
    assert.lengthOf(service.asked, 0);
  });
});
