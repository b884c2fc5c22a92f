import { assert } from "chai";
import type { RecordingServices } from "../../src/agent/recordings.ts";
import { MooringError } from "../../src/base/errors.ts";
import type { DeadLetters } from "../../src/decoding/redecode/dead-letters.ts";
import type { Redecodes } from "../../src/decoding/redecode/redecodes.ts";
import { basic, openRest, type RestFixture } from "./fixture.ts";

const AGENT = "/service/lwm2m-agent";
const BODY = '{"reason": "threw"}';

describe("rest/context optionalBody", () => {
  let rest: RestFixture;
  let taken: unknown;

  beforeEach(async () => {
    const take = async (...given: readonly unknown[]): Promise<never> => {
      taken = given[2];
      throw new MooringError("NOT_FOUND", "taken");
    };
    rest = await openRest({
      redecodes: { create: take } as unknown as Redecodes,
      deadLetters: { replay: take } as unknown as DeadLetters,
      recordings: { start: take } as unknown as RecordingServices,
    });
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const requests = [
    ["a redecode", "POST", "/decoders/meter/redecode"],
    ["a replay", "POST", "/decoders/meter/dead-letters/replay"],
    ["a recording", "PUT", "/recording/7"],
  ] as const;
  for (const [what, method, path] of requests) {
    it(`${what}: takes a body whose length is not said`, async () => {
      const answer = await fetch(`${rest.origin}${AGENT}${path}`, {
        method,
        headers: { Authorization: basic("t1/admin"), Connection: "close" },
        body: new Blob([BODY]).stream(),
        duplex: "half",
      });
      assert.include(await answer.text(), "taken");
      assert.deepEqual(taken, { reason: "threw" });
    });

    it(`${what}: takes none as an empty object`, async () => {
      const answer = await rest.ask(method, `${AGENT}${path}`);
      assert.include(answer.text, "taken");
      assert.deepEqual(taken, {});
    });
  }
});
