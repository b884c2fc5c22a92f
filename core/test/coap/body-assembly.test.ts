import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import { createBodyAssembly } from "../../src/coap/body-assembly.ts";
import { pattern } from "./support/endpoints.ts";

const PIECE = 64;
const piecesOf = (body: Uint8Array): number[] =>
  Array.from({ length: Math.ceil(body.length / PIECE) }, (_, i) => i * PIECE);

describe("coap/body-assembly", () => {
  it("puts pieces together in any order, repeated or not", () => {
    const random = createSeededRandom(5);
    for (let round = 0; round < 50; round++) {
      const body = pattern(1 + random.int(3000));
      const assembly = createBodyAssembly(4096);
      const starts = piecesOf(body).flatMap(start => (random.fraction() < 0.3 ? [start, start] : [start]));
      starts.sort(() => random.fraction() - 0.5);
      for (const [i, start] of starts.entries()) {
        const rest = new Set(starts.slice(i));
        const missing = piecesOf(body).some(each => rest.has(each) && !starts.slice(0, i).includes(each));
        if (missing) assert.isUndefined(assembly.whole());
        assert.isTrue(assembly.add(start, body.subarray(start, start + PIECE), start + PIECE >= body.length));
      }
      assert.deepEqual(assembly.whole(), body);
    }
  });

  it("says how far it is whole", () => {
    const assembly = createBodyAssembly(1000);
    assert.equal(assembly.contiguous, 0);
    assembly.add(16, new Uint8Array(16), false);
    assert.equal(assembly.contiguous, 0);
    assembly.add(0, new Uint8Array(16), false);
    assert.equal(assembly.contiguous, 32);
  });

  it("tells how much memory a piece will take, and takes that", () => {
    const assembly = createBodyAssembly(100_000);
    assert.equal(assembly.growthFor(10), 1024);
    assembly.add(0, new Uint8Array(1024), false);
    assert.equal(assembly.capacity, 1024);
    assert.equal(assembly.growthFor(1024), 0);
    assert.equal(assembly.growthFor(1025), 1024);
    assert.equal(assembly.growthFor(100_000), 100_000 - 1024);
  });

  it("refuses pieces that contradict the end", () => {
    const assembly = createBodyAssembly(1000);
    assert.isTrue(assembly.add(16, new Uint8Array(10), true));
    assert.isFalse(assembly.add(32, new Uint8Array(16), false));
    assert.isFalse(assembly.add(0, new Uint8Array(16), true));
    assert.isTrue(assembly.add(0, new Uint8Array(16), false));
    assert.equal(assembly.whole()?.length, 26);
    const other = createBodyAssembly(1000);
    assert.isTrue(other.add(32, new Uint8Array(16), false));
    assert.isFalse(other.add(0, new Uint8Array(16), true));
  });

  it("a body without bytes is whole at once", () => {
    const assembly = createBodyAssembly(1000);
    assert.isTrue(assembly.add(0, new Uint8Array(0), true));
    assert.equal(assembly.whole()?.length, 0);
  });

  it("keeps a bounded number of holes", () => {
    const assembly = createBodyAssembly(1e6);
    let taken = 0;
    for (let i = 0; i < 1000; i++) if (assembly.add(i * 32, new Uint8Array(16), false)) taken++;
    assert.isBelow(taken, 100);
  });
});
