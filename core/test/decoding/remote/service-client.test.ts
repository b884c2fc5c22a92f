import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../../src/base/clock.ts";
import { systemResolve } from "../../../src/decoding/remote/guarded-connect.ts";
import {
  createServiceClient,
  DEFAULT_CALL_LIMITS,
  type ServiceClient,
  type ServiceClientParts,
} from "../../../src/decoding/remote/service-client.ts";
import { type HttpService, openHttpService } from "./http-service.ts";

const CALL = { method: "GET", path: "/decode", headers: {} } as const;
type LoadLibrary = NonNullable<ServiceClientParts["loadLibrary"]>;
type Library = Awaited<ReturnType<LoadLibrary>>;
const always = (): boolean => true;

describe("decoding/remote/service-client", () => {
  let service: HttpService;
  let clock: ManualClock;
  let client: ServiceClient;
  let loads: number;

  const open = (loadLibrary: LoadLibrary): void => {
    loads = 0;
    client = createServiceClient({
      origin: service.origin,
      isAllowed: true,
      resolve: systemResolve,
      clock,
      limits: DEFAULT_CALL_LIMITS,
      loadLibrary() {
        loads++;
        return loadLibrary();
      },
    });
  };

  beforeEach(async () => {
    service = await openHttpService();
    clock = createManualClock();
  });
  afterEach(async () => {
    await client[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  it("the library is loaded once, for the first calls; a call's time begins when it is there", async () => {
    const gate = Promise.withResolvers<Library>();
    open(() => gate.promise);
    const calls = [client.ask(CALL, always), client.ask(CALL, always)];
    await clock.advance(10 * DEFAULT_CALL_LIMITS.callMs);
    assert.equal(clock.pending, 0);
    gate.resolve(await import("undici"));
    for (const outcome of await Promise.all(calls)) assert.isTrue(outcome.ok, JSON.stringify(outcome));
    assert.isTrue((await client.ask(CALL, always)).ok);
    assert.equal(loads, 1);
    assert.equal(clock.pending, 0, "no time limit is left behind");
  });

  it("a library that cannot be loaded now: the call says so, the next one tries again", async () => {
    open(() => (loads === 1 ? Promise.reject(new Error("too many open files")) : import("undici")));
    const outcomes = await Promise.all([client.ask(CALL, always), client.ask(CALL, always)]);
    const message = "the HTTP client cannot be loaded: too many open files";
    for (const outcome of outcomes) assert.deepEqual(outcome, { ok: false, fault: "unreachable", message });
    assert.isTrue((await client.ask(CALL, always)).ok);
    assert.equal(loads, 2);
  });

  it("closed while the library is loaded for the first call: nothing is connected to, nothing is left open", async () => {
    const gate = Promise.withResolvers<Library>();
    open(() => gate.promise);
    const call = client.ask(CALL, always);
    await new Promise<void>(resolve => setImmediate(resolve));
    const closing = client[Symbol.asyncDispose]();
    gate.resolve(await import("undici"));
    await closing;
    assert.deepInclude(await call, { ok: false, fault: "dropped" });
    assert.equal(service.connections, 0);
  });

  it("closed while the library fails to load: closed all the same", async () => {
    const gate = Promise.withResolvers<Library>();
    open(() => gate.promise);
    const call = client.ask(CALL, always);
    await new Promise<void>(resolve => setImmediate(resolve));
    const closing = client[Symbol.asyncDispose]();
    gate.reject(new Error("no such package"));
    await closing;
    assert.deepInclude(await call, { ok: false, fault: "unreachable" });
  });

  it("closed before its first call: it opens nothing any more", async () => {
    open(() => import("undici"));
    await client[Symbol.asyncDispose]();
    assert.deepInclude(await client.ask(CALL, always), { ok: false, fault: "dropped" });
    assert.equal(loads, 0);
  });

  it("closed within a call: the call ends", async () => {
    open(() => import("undici"));
    const asked = new Promise<void>(resolve => {
      service.answer = () => resolve();
    });
    const call = client.ask(CALL, always);
    await asked;
    await client[Symbol.asyncDispose]();
    assert.deepInclude(await call, { ok: false, fault: "closed" });
  });
});
