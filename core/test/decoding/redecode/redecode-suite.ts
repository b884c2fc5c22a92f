/** What decoding again has to hold on every engine. */
import { assert } from "chai";
import { MooringError } from "../../../src/base/errors.ts";
import type { Store, WriteOp } from "../../../src/store/store.ts";
import { TENANT } from "../../platform/fixture.ts";
import { KEY, openRedecodeFixture, type RedecodeFixture } from "./fixture.ts";
import { lateSuite } from "./late-suite.ts";

/** A value and the one after it become two measurements and, where it is even, an event; by the second version one measurement. */
const results = (fixture: RedecodeFixture): void => {
  const measurement = (value: number) => ({ type: "acme", values: [{ seriesName: "U", value }] });
  fixture.versions.set("1.0.0", ({ value: [byte = 0] }) => ({
    success: byte !== 3,
    measurements: [measurement(byte), measurement(byte + 1)],
    events: byte % 2 === 0 ? [{ type: "even", text: "first" }] : [],
  }));
  fixture.versions.set("2.0.0", ({ value: [byte = 0] }) => ({
    success: true,
    measurements: [measurement(byte * 10)],
    events: [{ type: "every", text: "second" }],
  }));
};

/** @param openStore an empty store, closed by the suite; absent: the embedded one */
export function redecodeSuite(openStore?: () => Promise<Store>): void {
  const job = { version: "2.0.0", apply: true };

  /** What an undisturbed job leaves. */
  async function undisturbed(): Promise<unknown> {
    await using fixture = await openRedecodeFixture(openStore);
    results(fixture);
    await fixture.receive([1, 2, 3, 4, 5]);
    await fixture.run(job);
    return withoutDevice(fixture, await fixture.content());
  }
  /** Each fixture has a device of its own, and ids that follow from it. */
  const withoutDevice = ({ device }: RedecodeFixture, content: object): unknown =>
    JSON.parse(
      JSON.stringify(content, (name, value: unknown) => (name === "id" ? undefined : value)).replaceAll(
        device,
        "device",
      ),
    );

  it("applied twice it leaves the same", async () => {
    await using fixture = await openRedecodeFixture(openStore);
    results(fixture);
    await fixture.receive([1, 2, 3, 4, 5]);
    const first = await fixture.run(job);
    const content = await fixture.content();
    const second = await fixture.run(job);
    assert.deepEqual(await fixture.content(), content);
    assert.equal(second.progress.contentHash, first.progress.contentHash);
    assert.deepEqual(withoutDevice(fixture, content), await undisturbed());
  }).timeout(60_000);

  const concludes = (op: WriteOp): boolean => op.op === "update" && op.in.concludes !== undefined;
  for (const [what, partOf] of [
    ["before it is written", () => []],
    ["before it is said that its documents are stored", (ops: readonly WriteOp[]) => ops.filter(op => !concludes(op))],
  ] as const) {
    it(`a page that is cut short ${what} ends as it would have undisturbed`, async () => {
      await using fixture = await openRedecodeFixture(openStore);
      results(fixture);
      await fixture.receive([1, 2, 3, 4, 5]);
      let writes = 0;
      fixture.beforeWrite = async ops => {
        if (writes++ % 2 === 1) return;
        await fixture.platform.store.write(partOf(ops));
        throw new MooringError("CLOSED", "the process has ended");
      };
      const { id } = await fixture.redecodes.create(TENANT, KEY, job, "admin");
      while ((await fixture.redecodes.get(TENANT, KEY, id)).state === "RUNNING") {
        await new Promise(resolve => setImmediate(resolve));
        if (fixture.redecodes.figures.running === 0) await fixture.reopened();
      }
      const { progress } = await fixture.redecodes.get(TENANT, KEY, id);
      assert.equal(progress.payloads.read, 5);
      assert.deepEqual(withoutDevice(fixture, await fixture.content()), await undisturbed());
    }).timeout(60_000);
  }

  describe("alarms and last values", () => lateSuite(openStore));
}
