import { assert } from "chai";
import {
  type DecoderEvent,
  type DecoderState,
  type InForce,
  NEW_DECODER,
  stepDecoder,
} from "../../../src/decoding/catalog/decoder-machine.ts";

const NOW = { atMs: 1, by: "admin" };
const state = (active: InForce, more: Partial<DecoderState> = {}): DecoderState => ({
  ...NEW_DECODER,
  active,
  ...more,
});

type Expected = Partial<Omit<DecoderState, "history">> | undefined;

describe("decoding/catalog/decoder-machine", () => {
  const steps: [what: string, from: DecoderState, event: DecoderEvent, expected: Expected][] = [
    ["the first upload is in force", NEW_DECODER, { kind: "upload", version: "1", isFirst: true }, { active: "1" }],
    ["a further upload changes nothing", state("1"), { kind: "upload", version: "2", isFirst: false }, { active: "1" }],
    ["stage", state("1"), { kind: "stage", version: "2" }, { active: "1", staged: "2" }],
    ["stage what is in force", state("1"), { kind: "stage", version: "1" }, undefined],
    ["stage another one", state("1", { staged: "2" }), { kind: "stage", version: "3" }, { staged: "3" }],
    ["unstage", state("1", { staged: "2" }), { kind: "unstage" }, { active: "1", staged: undefined }],
    ["unstage nothing", state("1"), { kind: "unstage" }, undefined],
    [
      "activate the staged one",
      state("1", { staged: "2" }),
      { kind: "activate", version: "2" },
      { active: "2", staged: undefined, previous: ["1"] },
    ],
    [
      "activate another than the staged one",
      state("1", { staged: "2" }),
      { kind: "activate", version: "3" },
      { active: "3", staged: "2", previous: ["1"] },
    ],
    ["activate what is in force", state("1"), { kind: "activate", version: "1" }, undefined],
    ["activate the inherited one", state("1"), { kind: "activate", version: null }, { active: null, previous: ["1"] }],
    [
      "activate an own one before the inherited one",
      state(null),
      { kind: "activate", version: "1" },
      { active: "1", previous: [null] },
    ],
    ["roll back", state("3", { previous: ["1", "2"] }), { kind: "rollback" }, { active: "2", previous: ["1"] }],
    ["roll back further", state("2", { previous: ["1"] }), { kind: "rollback" }, { active: "1", previous: [] }],
    ["roll back to the inherited one", state("1", { previous: [null] }), { kind: "rollback" }, { active: null }],
    ["roll back without an earlier one", state("1"), { kind: "rollback" }, undefined],
    ["delete what is in force", state("1"), { kind: "delete", version: "1" }, undefined],
    ["delete what is staged", state("1", { staged: "2" }), { kind: "delete", version: "2" }, undefined],
    [
      "delete an earlier one",
      state("3", { previous: ["1", "2", "1"] }),
      { kind: "delete", version: "1" },
      { active: "3", previous: ["2"] },
    ],
  ];
  for (const [what, from, event, expected] of steps) {
    it(what, () => {
      const next = stepDecoder(from, event, NOW);
      if (!expected) return assert.isUndefined(next);
      assert.deepInclude(next, expected);
      assert.include(next!.history.at(-1), { action: event.kind, ...NOW });
    });
  }

  it("keeps the last 100 steps and the last 20 versions to go back to", () => {
    let current = state("v");
    for (let n = 0; n < 150; n++) current = stepDecoder(current, { kind: "activate", version: `${n}` }, NOW)!;
    assert.lengthOf(current.history, 100);
    assert.lengthOf(current.previous, 20);
    assert.equal(current.previous.at(-1), "148");
  });
});
