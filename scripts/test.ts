import { checkSteps, runSteps } from "./steps.ts";

runSteps([
  ...checkSteps,
  { name: "integration tests", command: ["mocha", "--config", "test/integration/.mocharc.json"] },
]);
