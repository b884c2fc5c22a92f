import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { isFailure } from "../../../src/base/errors.ts";
import { ENTRY_BYTES, openSequenceJournal } from "../../../src/transport/dtls/sequence-journal.ts";

const A = "00112233445566aa";
const B = "ffeeddccbbaa9988";

function thrownBy(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("transport/dtls/sequence-journal", () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "sequence-journal-"));
    path = join(directory, "sequences");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** What a process finds that starts now, while the one before was killed. */
  const found = (): Record<string, number> => {
    const journal = openSequenceJournal(path);
    const read = Object.fromEntries(journal.read());
    journal.close();
    return read;
  };

  it("gives back the highest number of each session", () => {
    const journal = openSequenceJournal(path);
    assert.equal(journal.read().size, 0);
    journal.append([
      { id: A, received: 1 },
      { id: B, received: 2 ** 48 - 1 },
    ]);
    journal.append([{ id: A, received: 70_000 }]);
    journal.append([]);
    assert.deepEqual(found(), { [A]: 70_000, [B]: 2 ** 48 - 1 });
    journal.close();
  });

  it("clears what was appended before the last split, and nothing else", () => {
    const journal = openSequenceJournal(path);
    journal.append([{ id: A, received: 1 }]);
    journal.split();
    journal.append([{ id: B, received: 2 }]);
    assert.deepEqual(found(), { [A]: 1, [B]: 2 });
    journal.clear();
    assert.deepEqual(found(), { [B]: 2 });
    journal.split();
    journal.append([{ id: A, received: 3 }]);
    journal.clear();
    assert.deepEqual(found(), { [A]: 3 });
    journal.close();
  });

  it("a second split before the clearing begins nothing: both parts wait", () => {
    const journal = openSequenceJournal(path);
    journal.append([{ id: A, received: 1 }]);
    journal.split();
    journal.append([{ id: A, received: 2 }]);
    journal.split();
    journal.append([{ id: A, received: 3 }]);
    journal.clear();
    assert.deepEqual(found(), { [A]: 3 });
    journal.close();
  });

  it("goes on behind what an earlier process left", () => {
    const before = openSequenceJournal(path);
    before.append([{ id: A, received: 1 }]);
    before.split();
    before.append([{ id: B, received: 1 }]);
    const after = openSequenceJournal(path);
    assert.equal(after.read().size, 2);
    after.append([{ id: A, received: 9 }]);
    assert.deepEqual(found(), { [A]: 9, [B]: 1 });
    before.close();
    after.close();
  });

  it("an entry that was cut short is left out, and harms none after it", () => {
    for (let kept = 1; kept < ENTRY_BYTES; kept++) {
      const journal = openSequenceJournal(path);
      journal.append([
        { id: A, received: 5 },
        { id: B, received: 6 },
      ]);
      journal.close();
      truncateSync(`${path}.0`, ENTRY_BYTES + kept);
      const next = openSequenceJournal(path);
      assert.deepEqual(Object.fromEntries(next.read()), { [A]: 5 });
      next.append([{ id: B, received: 7 }]);
      next.close();
      assert.deepEqual(found(), { [A]: 5, [B]: 7 });
      rmSync(`${path}.0`);
    }
  });

  it("an entry with any bit changed is left out", () => {
    const journal = openSequenceJournal(path);
    journal.append([{ id: A, received: 5 }]);
    journal.append([{ id: B, received: 6 }]);
    journal.close();
    const whole = readFileSync(`${path}.0`);
    for (let bit = 0; bit < 8 * ENTRY_BYTES; bit++) {
      const changed = Buffer.from(whole);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(`${path}.0`, changed);
      const read = found();
      assert.equal(read[B], 6);
      assert.deepEqual(Object.keys(read), [B], `bit ${bit}`);
    }
  });

  it("zeros and other rubbish are no entries", () => {
    appendFileSync(`${path}.0`, Buffer.alloc(10 * ENTRY_BYTES));
    appendFileSync(`${path}.1`, Buffer.alloc(1000, 0xff));
    assert.deepEqual(found(), {});
    assert.equal(statSync(`${path}.1`).size % ENTRY_BYTES, 0);
  });

  it("takes nothing once it is closed: the numbers of its files may be those of others", () => {
    const journal = openSequenceJournal(path);
    journal.append([{ id: A, received: 1 }]);
    journal.close();
    journal.close();
    const other = join(directory, "other");
    const [first, second] = [openSync(other, "a+"), openSync(`${other}2`, "a+")];
    writeFileSync(other, "whatever it holds");
    for (const late of [() => journal.append([{ id: A, received: 2 }]), () => journal.clear()]) {
      assert.isTrue(isFailure(thrownBy(late), "STORE_FAILED"));
    }
    assert.equal(readFileSync(other, "utf8"), "whatever it holds");
    closeSync(first);
    closeSync(second);
    assert.deepEqual(found(), { [A]: 1 });
  });

  it("makes its folder, and says where it cannot", () => {
    openSequenceJournal(join(directory, "missing", "sequences")).close();
    try {
      openSequenceJournal(join(directory, "missing", "sequences.0", "sequences"));
      assert.fail("opened");
    } catch (error) {
      assert.isTrue(isFailure(error, "STORE_FAILED"));
    }
  });
});
