#!/usr/bin/env node
// The command line. Plain JavaScript for any Node >= 18: hands over to the Node that the lock file pins, as every npm script does.
import { fileURLToPath } from "node:url";

// Half of the time of a short command is the reading of its own source: Node keeps what it made of it.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("../../node_modules/.cache/mooring", import.meta.url));
process.argv.splice(2, 0, "sdk/src/cli/main.ts");
await import("../../scripts/run.mjs");
