#!/usr/bin/env node
// The command line. Plain JavaScript for any Node >= 18: hands over to the Node that the lock file pins, as every npm script does.
process.argv.splice(2, 0, "sdk/src/cli/main.ts");
await import("../../scripts/run.mjs");
