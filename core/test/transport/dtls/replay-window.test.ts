import { assert } from "chai";
import { createSeededRandom } from "../../../src/base/random.ts";
import { MAX_SEQUENCE } from "../../../src/transport/dtls/records.ts";
import { accept, createReplayWindow, isFresh } from "../../../src/transport/dtls/replay-window.ts";

/** Takes what is fresh, as a receiver does. */
function receiver(above?: number) {
  const window = createReplayWindow(above);
  return (sequence: number): "newest" | "late" | "refused" => {
    if (!isFresh(window, sequence)) return "refused";
    return accept(window, sequence) ? "newest" : "late";
  };
}

/** What the window promises, with a set. */
function naiveReceiver(above = -1) {
  const taken = new Set<number>();
  let newest = above;
  return (sequence: number): "newest" | "late" | "refused" => {
    if (sequence <= above || sequence <= newest - 64 || taken.has(sequence)) return "refused";
    taken.add(sequence);
    if (sequence <= newest) return "late";
    newest = sequence;
    return "newest";
  };
}

const SCRIPTS: readonly { name: string; above?: number; steps: readonly (readonly [number, string])[] }[] = [
  {
    name: "the first record may have any number, and comes once",
    steps: [
      [5, "newest"],
      [5, "refused"],
      [4, "late"],
      [0, "late"],
      [0, "refused"],
    ],
  },
  {
    name: "in order",
    steps: [
      [0, "newest"],
      [1, "newest"],
      [2, "newest"],
      [1, "refused"],
      [0, "refused"],
    ],
  },
  {
    name: "63 behind is inside, 64 behind is too old",
    steps: [
      [100, "newest"],
      [37, "late"],
      [36, "refused"],
      [37, "refused"],
    ],
  },
  {
    name: "both halves of the window move",
    steps: [
      [10, "newest"],
      [42, "newest"],
      [10, "refused"],
      [11, "late"],
      [73, "newest"],
      [10, "refused"],
      [11, "refused"],
      [42, "refused"],
      [12, "late"],
    ],
  },
  ...[1, 31, 32, 33, 63].map(jump => ({
    name: `a jump by ${jump} remembers what was taken`,
    steps: [
      [200, "newest"],
      [200 + jump, "newest"],
      [200, "refused"],
      [199 + jump, jump === 1 ? "refused" : "late"],
      [200 + jump, "refused"],
    ] as const,
  })),
  ...[64, 65, 1000, 2 ** 32, 2 ** 40].map(jump => ({
    name: `a jump by ${jump} leaves all before it behind`,
    steps: [
      [200, "newest"],
      [200 + jump, "newest"],
      [200, "refused"],
      [200 + jump - 63, "late"],
      [200 + jump - 64, "refused"],
    ] as const,
  })),
  {
    name: "the last sequence numbers of an epoch",
    steps: [
      [MAX_SEQUENCE - 1, "newest"],
      [MAX_SEQUENCE, "newest"],
      [MAX_SEQUENCE, "refused"],
      [MAX_SEQUENCE - 63, "late"],
    ],
  },
  {
    name: "restored above 100: nothing at or below it",
    above: 100,
    steps: [
      [100, "refused"],
      [99, "refused"],
      [0, "refused"],
      [103, "newest"],
      [100, "refused"],
      [101, "late"],
      [102, "late"],
      [99, "refused"],
      [130, "newest"],
      [99, "refused"],
    ],
  },
  {
    name: "restored above 0",
    above: 0,
    steps: [
      [0, "refused"],
      [1, "newest"],
    ],
  },
];

describe("transport/dtls/replay-window (RFC 6347 section 4.1.2.6)", () => {
  for (const { name, above, steps } of SCRIPTS) {
    it(name, () => {
      const receive = receiver(above);
      for (const [sequence, expected] of steps) assert.equal(receive(sequence), expected, `number ${sequence}`);
    });
  }

  it("looking marks nothing", () => {
    const window = createReplayWindow();
    assert.isTrue(isFresh(window, 3));
    assert.isTrue(isFresh(window, 3));
    assert.equal(window.newest, -1);
  });

  it("answers as a set does, through 40 random walks", () => {
    const random = createSeededRandom(4126);
    for (let walk = 0; walk < 40; walk++) {
      const above = walk % 3 === 0 ? random.int(500) : -1;
      const [receive, expected] = [receiver(above), naiveReceiver(above)];
      const spread = [4, 40, 70, 200][walk % 4]!;
      let around = walk % 5 === 0 ? 2 ** 32 - 500 : 0;
      for (let step = 0; step < 1000; step++) {
        around += random.int(3) === 0 ? random.int(spread) : 1;
        const sequence = Math.max(0, around - random.int(spread));
        assert.equal(receive(sequence), expected(sequence), `walk ${walk}, step ${step}, number ${sequence}`);
      }
    }
  });
});
