/** Small parts of the store that are pure. */
import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import { bucketStart, foldBuckets } from "../../src/store/aggregate.ts";
import { pathOf } from "../../src/store/collection.ts";
import { keyOf } from "../../src/store/collections/keys.ts";
import { clearedAlarmKey, openAlarmKey } from "../../src/store/collections/platform.ts";
import { afterPrefix } from "../../src/store/condition.ts";
import { measurementId } from "../../src/store/measurement-id.ts";
import { parsePath } from "../../src/store/path.ts";
import { seriesOf } from "../../src/store/series-documents.ts";
import { shapeOf } from "../../src/store/shape.ts";
import { compareText } from "../../src/store/update-plan.ts";
import { THINGS } from "./conformance/things.ts";

describe("store: keys and paths", () => {
  const parts = ["", "a", ",", "~", "~1", "a,b", "~0,"];

  it("keyOf tells any two lists of parts apart", () => {
    const keys = parts.flatMap(a => [
      keyOf(a),
      ...parts.flatMap(b => [keyOf(a, b), ...parts.map(c => keyOf(a, b, c))]),
    ]);
    assert.equal(new Set(keys).size, keys.length);
  });

  it("an open alarm and a cleared one never share a key", () => {
    assert.notEqual(openAlarmKey("1", "x"), clearedAlarmKey("1"));
    assert.equal(openAlarmKey("1", "a,b"), "A,1,a~1b");
  });

  it("pathOf and parsePath are inverse for any keys", () => {
    const shape = shapeOf(THINGS);
    for (const key of ["a.b", "~", "~1", "..", "", "0", "$x", "é"]) {
      assert.deepEqual(parsePath(shape, pathOf("free", key, key)).segments, ["free", key, key]);
    }
  });
});

describe("store: order of texts", () => {
  const texts = ["", "a", "a\u0001", "b", "é", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{1f600}", "\u{10ffff}"];

  it("is that of code points", () => {
    const random = createSeededRandom(3);
    const shuffled = texts.toSorted(() => random.fraction() - 0.5);
    assert.deepEqual(shuffled.sort(compareText), texts);
  });

  it("afterPrefix is above all texts with the prefix and not above others", () => {
    for (const prefix of texts) {
      const end = afterPrefix(prefix);
      for (const text of texts.flatMap(tail => [prefix + tail, tail])) {
        const isBelow = end === undefined || compareText(text, end) < 0;
        assert.equal(
          compareText(text, prefix) >= 0 && isBelow,
          text.startsWith(prefix),
          JSON.stringify([prefix, text]),
        );
      }
    }
  });
});

describe("store: measurements", () => {
  it("8.1 a series is a member of a fragment with a numeric value", () => {
    const fragments = {
      c8y_T: { T: { value: 1, unit: "C" }, bad: { value: "1" }, none: 1, nothing: null },
      text: "x",
      list: [{ value: 1 }],
      empty: {},
    };
    assert.deepEqual(seriesOf(fragments), [{ fragment: "c8y_T", series: "T", unit: "C" }]);
  });

  it("ids follow from time and identity, sort by time, and are decimal digits", () => {
    assert.equal(measurementId(1_700_000_000_000, "a"), measurementId(1_700_000_000_000, "a"));
    const ids = [
      [0, "a"],
      [0, "b"],
      [-5, "a"],
      [1, "a"],
      [1_700_000_000_000, "a"],
    ] as const;
    for (const [timeMs, identity] of ids) assert.match(measurementId(timeMs, identity), /^1\d{29}$/);
    assert.notEqual(measurementId(0, "a"), measurementId(0, "b"));
    assert.isBelow(compareText(measurementId(1, "z"), measurementId(2, "a")), 0);
  });

  it("buckets begin at or before their times, before 1970 too", () => {
    assert.deepEqual(
      [0, 59_999, 60_000, -1, -60_000, -60_001].map(ms => bucketStart(ms, 60_000, 0)),
      [...[0, 0, 60_000, -60_000, -60_000, -120_000]],
    );
    assert.equal(bucketStart(5, 10, 7), -3);
  });

  it("folding reads no further than the last bucket asked for", async () => {
    let read = 0;
    async function* rows() {
      for (const row of [
        [0, [1]],
        [1, ["x"]],
        [10, [2]],
        [20, [3]],
        [30, [4]],
      ] as const) {
        read++;
        yield row;
      }
    }
    const buckets = await foldBuckets(rows(), { bucketMs: 10, originMs: 0, limit: 2 });
    assert.deepEqual(
      buckets.map(({ startMs, values }) => [startMs, values[0]!.sum]),
      [
        [0, 1],
        [10, 2],
      ],
    );
    assert.equal(read, 4);
  });
});
