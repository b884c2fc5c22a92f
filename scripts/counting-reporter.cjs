// Mocha's usual report, and "<passed> <failed>" as a line of the file that MOORING_TEST_COUNTS names: .ci/run adds them up.
const { appendFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.MOORING_TEST_COUNTS;
    if (file) runner.once("end", () => appendFileSync(file, `${this.stats.passes} ${this.stats.failures}\n`));
  }
};
