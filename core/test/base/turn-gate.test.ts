import { assert } from "chai";
import { createTurnGate, type Lane } from "../../src/base/turn-gate.ts";

const round = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** A gate whose work ends when the test says so. */
function open() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  let datagrams = 0;
  const gate = createTurnGate({ received: () => datagrams });
  return {
    begun,
    gate,
    receive: (count: number): void => void (datagrams += count),
    async end(name: string): Promise<void> {
      ends.get(name)!();
      await round();
      await round();
    },
    ask: (lane: Lane, name: string): Promise<string> =>
      gate.run(lane, () => {
        begun.push(name);
        return new Promise(resolve => ends.set(name, () => resolve(name)));
      }),
  };
}

describe("base/turn-gate", () => {
  it("begins at once where little runs, in rounds of the event loop where more comes, and never more than 32", async () => {
    const { ask, begun, gate, end } = open();
    for (let i = 0; i < 50; i++) void ask("stranger", `s${i}`);
    assert.equal(begun.length, 4);
    await round();
    await round();
    assert.equal(begun.length, 32);
    assert.equal(gate.waiting("stranger"), 18);
    await end("s0");
    assert.equal(begun.length, 33);
  });

  it("begins one a round while the socket is full", async () => {
    const { ask, begun, receive } = open();
    for (let i = 0; i < 50; i++) void ask("stranger", `s${i}`);
    for (let i = 5; i < 12; i++) {
      receive(32);
      await round();
      assert.equal(begun.length, i);
    }
  });

  it("known devices go first and leave strangers every fourth turn", async () => {
    const { ask, begun, end } = open();
    for (let i = 0; i < 32; i++) void ask("stranger", `first${i}`);
    await round();
    await round();
    for (const i of [1, 2, 3, 4]) void ask("stranger", `s${i}`);
    for (const i of [1, 2, 3, 4]) void ask("known", `k${i}`);
    for (let i = 0; i < 8; i++) await end(`first${i}`);
    assert.sameMembers(begun.slice(32), ["k1", "k2", "k3", "k4", "s1", "s2", "s3", "s4"]);
    assert.deepEqual(
      begun.slice(32, 37).filter(name => name.startsWith("k")),
      ["k1", "k2", "k3", "k4"],
      "four of the first five turns",
    );
  });

  it("gives back what the work gives, also its failure, and goes on", async () => {
    const gate = createTurnGate({ received: () => 0 });
    assert.equal(await gate.run("known", async () => 7), 7);
    const failures = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => gate.run("known", async () => Promise.reject(i))),
    );
    assert.deepEqual(
      failures.map(result => (result.status === "rejected" ? result.reason : undefined)),
      Array.from({ length: 40 }, (_, i) => i),
    );
    assert.equal(gate.waiting("known"), 0);
  });
});
