import { assert } from "chai";
import { createManualClock } from "../../../src/base/clock.ts";
import { MooringError } from "../../../src/base/errors.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { CoapRequest } from "../../../src/coap/request.ts";
import { runBootstrapSession, type SessionOrder } from "../../../src/lwm2m/bootstrap/bootstrap-session.ts";
import type { Peer } from "../../../src/transport/transport.ts";
import { configOf } from "./support/bootstrap-world.ts";

const EMPTY = new Uint8Array(0);
const peer = (key: string): Peer => ({ key, address: "192.0.2.9", port: 1 });
const SUCCESS = { GET: 69, DELETE: 66, PUT: 68, POST: 68 } as const;

/** Runs a session against single answers; `answer` may throw what an exchange rejects with. */
async function run(
  answer: (step: string, to: Peer, order: SessionOrder) => number | undefined,
  config = configOf("dev-1"),
): Promise<{ readonly steps: string[]; readonly reason: string | undefined; readonly path: string | undefined }> {
  const steps: string[] = [];
  const order: SessionOrder = { config, peer: peer("dtls:1"), preferredFormat: undefined };
  const request = async (to: Peer, { method, path }: CoapRequest) => {
    const step = `${method} /${path.join("/")}`;
    steps.push(step);
    return { code: answer(step, to, order) ?? SUCCESS[method as keyof typeof SUCCESS], payload: EMPTY };
  };
  const parts = { coap: { request }, clock: createManualClock(), log: silentLog, requestTimeoutMs: 1000 };
  const { failure } = await runBootstrapSession(parts, order, new AbortController().signal);
  return { steps, reason: failure?.reason, path: failure?.path };
}

const ALL = ["GET /0", "DELETE /0", "DELETE /1", "PUT /0/0", "PUT /1/0", "POST /bs"];

describe("bootstrap-session", () => {
  it("asks each step once where all answer", async () => {
    assert.deepEqual(await run(() => undefined), { steps: ALL, reason: undefined, path: undefined });
  });

  for (const [step, fails] of [
    ["GET /0", false],
    ["DELETE /0", false],
    ["DELETE /1", false],
    ["PUT /0/0", true],
    ["PUT /1/0", true],
    ["POST /bs", true],
  ] as const) {
    it(`Reset to ${step} ${fails ? "ends the session" : "is tolerated"}`, async () => {
      const { reason, steps } = await run(asked => {
        if (asked === step) throw new MooringError("EXCHANGE_RESET", "reset");
        return undefined;
      });
      if (fails) assert.match(reason!, /the device answered with Reset$/);
      else assert.deepEqual([reason, steps], [undefined, ALL]);
    });
  }

  for (const code of ["EXCHANGE_TIMEOUT", "OVERLOADED", "EXCHANGE_CANCELLED"] as const) {
    it(`${code} ends the session at the first step`, async () => {
      const { steps, path } = await run(() => {
        throw new MooringError(code, "it is so");
      });
      assert.deepEqual(steps, ["GET /0"]);
      assert.equal(path, "/0");
    });
  }

  it("an answer whose blocks make no body is tolerated at Discover, not at Write", async () => {
    const broken = (at: string) => (step: string) => {
      if (step === at) throw new MooringError("TRANSFER_FAILED", "blocks are missing");
      return undefined;
    };
    assert.isUndefined((await run(broken("GET /0"))).reason);
    assert.equal((await run(broken("PUT /0/0"))).reason, "Write of /0/0: blocks are missing");
  });

  it("the step under way is asked again of the newer session that the device goes on in", async () => {
    const asked: string[] = [];
    const { reason, steps } = await run((step, to, order) => {
      asked.push(`${step} ${to.key}`);
      if (step === "DELETE /1" && to.key === "dtls:1") {
        order.peer = peer("dtls:2");
        throw new MooringError("EXCHANGE_CANCELLED", "the peer has a new address");
      }
      return undefined;
    });
    assert.isUndefined(reason);
    assert.deepEqual(steps, [...ALL.slice(0, 3), ...ALL.slice(2)]);
    assert.deepEqual(asked.slice(2, 5), ["DELETE /1 dtls:1", "DELETE /1 dtls:2", "PUT /0/0 dtls:2"]);
  });
});
