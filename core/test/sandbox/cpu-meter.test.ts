import { assert } from "chai";
import { createCpuMeter } from "../../src/sandbox/cpu-meter.ts";

describe("sandbox/cpu-meter", () => {
  it("gives a lone run all that was used, however long it took", () => {
    let usedMs = 5;
    const share = createCpuMeter(() => usedMs).share();
    share.begin();
    usedMs += 7;
    assert.equal(share.end(), 7);
    usedMs += 100;
    share.begin();
    assert.equal(share.end(), 0, "what was used between runs is nobody's");
  });

  it("shares out what was used by several, and forgets nothing", () => {
    let usedMs = 0;
    const meter = createCpuMeter(() => usedMs);
    const [a, b] = [meter.share(), meter.share()];
    a.begin();
    usedMs += 4;
    b.begin();
    usedMs += 10;
    const ofA = a.end();
    usedMs += 3;
    const ofB = b.end();
    assert.deepEqual([ofA, ofB], [9, 8]);
  });

  it("counts runs of one decoder that overlap once", () => {
    let usedMs = 0;
    const share = createCpuMeter(() => usedMs).share();
    share.begin();
    share.begin();
    usedMs += 4;
    assert.equal(share.end(), 4);
    usedMs += 2;
    assert.equal(share.end(), 2);
  });

  it("takes a count that goes back for one that stands still", () => {
    let usedMs = 10;
    const share = createCpuMeter(() => usedMs).share();
    share.begin();
    usedMs = 8;
    assert.equal(share.end(), 0);
    share.begin();
    usedMs = 11;
    assert.equal(share.end(), 1);
  });
});
