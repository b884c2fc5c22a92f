import { runSteps } from "./steps.ts";

runSteps([{ name: "format", command: ["biome", "check", "--write", "."] }]);
