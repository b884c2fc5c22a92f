import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import {
  checkVectors,
  type RunnableDecoder,
  readVectors,
  runVectors,
  type VectorOutcome,
} from "../src/harness/index.ts";
import { type DecoderResult, defineDecoder, definePlugin, MooringError } from "../src/index.ts";

const measured = (value: number): DecoderResult => ({
  success: true,
  measurements: [{ type: "t", values: [{ seriesName: "a", value }] }],
});
const firstByte = defineDecoder({ decode: ({ value }) => measured(value[0] ?? -1) });
const vector = (over: object = {}): object => ({ name: "one", value: "01 02", result: measured(1), ...over });

describe("sdk/harness: vectors", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mooring-vectors-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: unknown): void =>
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  const outcomes = (decoder: RunnableDecoder): Promise<VectorOutcome[]> => checkVectors(decoder, folder);
  const failures = async (decoder: RunnableDecoder): Promise<(string | undefined)[]> =>
    (await outcomes(decoder)).map(({ failure }) => failure);

  it("reads one vector or many from a file, files by name, with what is left out filled in", () => {
    write("b.json", [vector({ name: "two" }), vector({ name: "three", resourcePath: "/1/2/3", device: { a: 1 } })]);
    write("a.json", vector({ source: "manual 2.1" }));
    write("readme.md", "no vector");
    const [one, two, three] = readVectors(folder);
    assert.deepInclude(one, { name: "one", source: "manual 2.1", value: Uint8Array.of(1, 2), resourceType: "OPAQUE" });
    assert.deepInclude(two, { name: "two", resourcePath: "/33456/0/123", device: {}, sourceDeviceId: "4711" });
    assert.deepInclude(three, { name: "three", resourcePath: "/1/2/3", device: { a: 1 } });
  });

  const broken: [what: string, content: unknown, code: string, why: RegExp][] = [
    ["no JSON", "{", "MALFORMED", /bad\.json/],
    ["odd hexadecimal", vector({ value: "012" }), "VALIDATION", /bad\.json: value must be bytes in hexadecimal/],
    ["no hexadecimal", vector({ value: "0x" }), "VALIDATION", /bad\.json: value/],
    ["no result", { name: "a", value: "" }, "VALIDATION", /result is missing/],
    ["a member that is not known", vector({ expect: 1 }), "VALIDATION", /expect is not known/],
  ];
  for (const [what, content, code, why] of broken) {
    it(`names the file and the field of a vector with ${what}`, () => {
      write("bad.json", content);
      try {
        readVectors(folder);
      } catch (error) {
        assert.instanceOf(error, MooringError);
        assert.equal(error.code, code);
        assert.match(error.message, why);
        return;
      }
      assert.fail("read");
    });
  }

  it("a folder without vectors is an error, not a pass", () => {
    assert.throws(() => readVectors(folder), MooringError, /no vectors/);
  });

  it("passes the expected result, also from a decoder that answers later", async () => {
    write("a.json", vector());
    assert.deepEqual(await failures(firstByte), [undefined]);
    assert.deepEqual(await failures({ decode: async input => firstByte.decode(input) }), [undefined]);
  });

  it("compares results as the host sees them: nulls and undefined are absent", async () => {
    write("a.json", vector({ result: { ...measured(1), message: null } }));
    assert.deepEqual(
      await failures({ decode: () => ({ ...measured(1), alarms: undefined }) as unknown as DecoderResult }),
      [undefined],
    );
  });

  it("shows what is different", async () => {
    write("a.json", [vector(), vector({ result: measured(2) })]);
    const [good, bad] = await failures(firstByte);
    assert.isUndefined(good);
    assert.match(bad!, /value: 1[\s\S]*value: 2/);
  });

  const faults: [what: string, decoder: RunnableDecoder, why: RegExp][] = [
    ["throws", { decode: () => JSON.parse("{") as DecoderResult }, /JSON/],
    ["breaks the contract", { decode: () => ({}) as DecoderResult }, /success is missing/],
    ["returns NaN", { decode: () => measured(Number.NaN) }, /values\[0\]\.value/],
  ];
  for (const [what, decoder, why] of faults) {
    it(`fails a decoder that ${what}`, async () => {
      write("a.json", vector());
      assert.match((await failures(decoder))[0]!, why);
    });
  }

  it("fails a decoder that keeps something from one payload to the next", async () => {
    write("a.json", vector());
    let calls = 0;
    assert.match((await failures({ decode: () => measured(++calls) }))[0]!, /must not keep anything/);
  });

  it("a decoder that writes into its input changes no vector", async () => {
    write("a.json", vector());
    const overwriting: RunnableDecoder = {
      decode({ value }) {
        const [first] = value;
        value.fill(0);
        return measured(first!);
      },
    };
    assert.deepEqual(await failures(overwriting), [undefined]);
  });

  it("runVectors says what to use where there is no mocha", () => {
    write("a.json", vector());
    const { it: mocha } = globalThis;
    try {
      Reflect.deleteProperty(globalThis, "it");
      assert.throws(() => runVectors(firstByte, folder), MooringError, /checkVectors/);
    } finally {
      globalThis.it = mocha;
    }
  });
});

describe("sdk", () => {
  it("definePlugin and defineDecoder give back what they are given", () => {
    const plugin = definePlugin({ name: "p", version: "1.0.0", contract: "^1.0.0", activate: () => {} });
    assert.equal(plugin.name, "p");
    assert.deepEqual(firstByte.decode({ value: Uint8Array.of(7) } as never), measured(7));
  });
});
