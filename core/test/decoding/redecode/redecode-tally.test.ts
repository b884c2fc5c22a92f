import { assert } from "chai";
import type { RawPayload } from "../../../src/decoding/raw-payload.ts";
import { NO_TALLY, type Tally, tallied, type Verdict } from "../../../src/decoding/redecode/redecode-tally.ts";
import type { PlaceChange } from "../../../src/mapping/supersession.ts";

const raw = (id: string): RawPayload => ({
  id,
  tenant: "t1",
  deviceId: "4711",
  endpoint: "urn:dev:7",
  path: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAtMs: 0,
  atMs: 0,
  bytes: new Uint8Array(1000),
  decoder: "acme",
  attempts: 1,
});
const place = (before?: object, after?: object): PlaceChange =>
  ({ kind: "measurement", place: 0, id: "1", ...(before && { before }), ...(after && { after }) }) as PlaceChange;
const decoded = (...places: PlaceChange[]): Verdict => ({
  kind: "decoded",
  wasError: false,
  plan: { places, alarms: [], lastValues: [] },
});
const of = (...verdicts: Verdict[]): Tally =>
  verdicts.reduce((tally, verdict, at) => tallied(tally, raw(String(at)), verdict), NO_TALLY);
const by = (version: string) => ({ decodedBy: { key: "acme", version } });

describe("decoding/redecode/redecode-tally", () => {
  it("the version alone is no difference, but one of the content hash", () => {
    const tally = of(decoded(place({ a: 1, ...by("1") }, { a: 1, ...by("2") })));
    assert.deepInclude(tally.payloads, { read: 1, equal: 1 });
    assert.deepEqual(tally.documents, { equal: 1, changed: 0, added: 0, removed: 0 });
    assert.notEqual(tally.contentHash, of(decoded(place({ a: 1 }, { a: 1, ...by("1") }))).contentHash);
  });

  it("the hash is that of what is made, whatever was there before", () => {
    const after = { a: 1, ...by("2") };
    const [added, kept] = [of(decoded(place(undefined, after))), of(decoded(place(after, after)))];
    assert.equal(added.contentHash, kept.contentHash);
    assert.deepEqual(added.documents, { equal: 0, changed: 0, added: 1, removed: 0 });
  });

  it("each payload is counted by what became of it", () => {
    const { payloads } = of(
      decoded(place({ a: 1 }, { a: 1 })),
      decoded(place({ a: 1 }, { a: 2 })),
      { kind: "decoded", wasError: true, plan: { places: [], alarms: [], lastValues: [] } },
      { kind: "failed", wasError: false, message: "no" },
      { kind: "failed", wasError: true, message: "no" },
      { kind: "skipped" },
    );
    assert.deepEqual(payloads, { read: 6, equal: 1, changed: 1, recovered: 1, failed: 1, stillFailing: 1, skipped: 1 });
  });

  it("samples are few and short, however many and long the payloads and documents are", () => {
    const long = { text: "x".repeat(100_000) };
    const tally = of(...Array.from({ length: 100 }, () => decoded(...Array.from({ length: 50 }, () => place(long)))));
    assert.lengthOf(tally.samples, 20);
    for (const { differences, value } of tally.samples) {
      assert.lengthOf(differences, 20);
      assert.lengthOf(value, 512);
    }
    assert.isBelow(JSON.stringify(tally.samples).length, 300_000);
  });

  it("alarms and last values: a few samples of each outcome, none of equal values; long ones are shown by their beginning", () => {
    const after = { long: "x".repeat(100_000) };
    const verdict: Verdict = {
      kind: "decoded",
      wasError: false,
      plan: {
        places: [],
        alarms: [
          { type: "a".repeat(1000), outcome: "raised" },
          { type: "b", outcome: "older" },
        ],
        lastValues: [
          { resource: "/9/0/1", outcome: "equal", before: 1, after: 1 },
          { resource: "/9/0/2", outcome: "added", after },
        ],
      },
    };
    const { alarms, lastValues, payloads } = of(...Array.from({ length: 100 }, () => verdict));
    assert.deepInclude(alarms, { raised: 100, cleared: 0 });
    assert.deepEqual(alarms.left, { open: 0, unmade: 0, done: 0, older: 100, maintenance: 0, notOpen: 0 });
    assert.deepInclude(lastValues, { added: 100, changed: 0, equal: 100, older: 0 });
    assert.equal(alarms.samples.map(({ outcome }) => outcome).join(" "), "raised older ".repeat(5).trim());
    assert.lengthOf(alarms.samples[0]!.type, 500);
    assert.lengthOf(lastValues.samples, 5);
    assert.deepInclude(lastValues.samples[0], {
      payload: "0",
      deviceId: "4711",
      path: "/33456/0/123",
      outcome: "added",
    });
    assert.match(String(lastValues.samples[0]!.after), /^\{"long":"x{100,500} \.\.\.$/);
    assert.equal(payloads.equal, 100);
  });
});
