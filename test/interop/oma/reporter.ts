/**
 * The counting reporter of `.ci/run` that also writes each test's outcome, a line of JSON each, to the file that the option `outcomes` names; as they
 * come, so that a run that dies has told what it had.
 */
import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";
import Mocha from "mocha";
import type { TestOutcome } from "./tally.ts";

const { EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Mocha.Runner.constants;

const CountingReporter = createRequire(import.meta.url)(
  "../../../scripts/counting-reporter.cjs",
) as typeof Mocha.reporters.Spec;

export default class OutcomeReporter extends CountingReporter {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const file = String(options.reporterOptions?.outcomes);
    const note = (state: TestOutcome["state"]) => (test: Mocha.Test) => {
      const outcome: TestOutcome = { title: test.title, state };
      appendFileSync(file, `${JSON.stringify(outcome)}\n`);
    };
    runner.on(EVENT_TEST_PASS, note("passed"));
    runner.on(EVENT_TEST_FAIL, note("failed"));
    runner.on(EVENT_TEST_PENDING, note("pending"));
  }
}
