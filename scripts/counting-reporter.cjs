// Mocha's usual report; .ci/run adds up "<passed> <failed>" of the file that MOORING_TEST_COUNTS names, and repeats at its
// end what MOORING_TEST_FAILURES names: each failed test, and why.
const { appendFileSync } = require("node:fs");
const { relative } = require("node:path");
const { reporters } = require("mocha");

const indented = text => text.replace(/^(?=.)/gm, "    ");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { MOORING_TEST_COUNTS: counts, MOORING_TEST_FAILURES: failures } = process.env;
    if (failures) {
      runner.on("fail", (test, error) => {
        const where = test.file ? ` (${relative(process.cwd(), test.file)})` : "";
        const why = error?.stack ?? error?.message ?? String(error);
        appendFileSync(failures, `${test.fullTitle()}${where}\n${indented(why)}\n`);
      });
    }
    if (counts) runner.once("end", () => appendFileSync(counts, `${this.stats.passes} ${this.stats.failures}\n`));
  }
};
