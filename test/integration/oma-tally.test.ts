/** How `npm run test:interop` counts OMA's cases. */
import { assert } from "chai";
import { OMA_CASES, type OmaCase } from "../interop/oma/cases.ts";
import { caseIdOf, tallyCases, tallyLines } from "../interop/oma/tally.ts";

describe("interop/oma: the count", () => {
  const cases: readonly OmaCase[] = [
    { id: 101, title: "initial registration", player: "Leshan" },
    { id: 301, title: "observation", player: "Leshan" },
    { id: 401, title: "DTLS", player: "script" },
    { id: 402, title: "certificates", player: undefined },
  ];

  it("knows a case by the beginning of a title", () => {
    assert.equal(caseIdOf("OMA 101: Register"), 101);
    for (const title of ["registers (OMA 101: ...)", "OMA 101", "20-14: ..."]) assert.isUndefined(caseIdOf(title));
  });

  it("a case has passed when it has tests and all of them have passed", () => {
    const tally = tallyCases(
      [
        { title: "OMA 101: over TLV", state: "passed" },
        { title: "OMA 101: over JSON", state: "failed" },
        { title: "OMA 401: over CCM", state: "passed" },
        { title: "OMA 401: over GCM", state: "passed" },
        { title: "OMA 402: with certificates", state: "passed" },
        { title: "something else", state: "failed" },
      ],
      cases,
    );
    assert.deepEqual(tallyLines(tally), [
      "OMA 101 (initial registration): has not passed",
      "OMA 301 (observation): no test has run",
      "OMA 1 of 3",
    ]);
  });

  it("a test that was skipped is no pass", () => {
    assert.equal(tallyLines(tallyCases([{ title: "OMA 101: ...", state: "pending" }], cases)).at(-1), "OMA 0 of 3");
  });

  it("counts 100 of 109 cases, each once", () => {
    assert.lengthOf(OMA_CASES, 109);
    assert.equal(new Set(OMA_CASES.map(({ id }) => id)).size, 109);
    assert.lengthOf(
      OMA_CASES.filter(({ player }) => player !== undefined),
      100,
    );
  });
});
