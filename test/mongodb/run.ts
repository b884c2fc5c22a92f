/**
 * `npm run test:mongodb`: the store's conformance suite, and black-box tests of hosts that have it for their store, against a server that speaks MongoDB's protocol: the one that MONGODB_URL names,
 * else FerretDB, where Go is there to build it. Without either the run says so and ends well, except with CI=true.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { isGoPresent, startFerretdb } from "./ferretdb-server.ts";

const root = join(import.meta.dirname, "../..");

/** FerretDB reads whole collections for most filters, so single tests may take long. */
const TEST_LIMIT_MS = 120_000;

/** Black-box tests whose hosts keep what they are about in the store: each on a database of its own (`harness/store.ts`). */
const HOST_TESTS = ["decoder-versions", "decoding", "mapping-history", "plugins", "redecode"];

async function runSuite(url: string): Promise<number> {
  const mocha = join(root, "node_modules/mocha/bin/mocha.js");
  const args = [
    mocha,
    "--no-config",
    "--extension",
    "ts",
    "--timeout",
    String(TEST_LIMIT_MS),
    "test/mongodb/*.suite.ts",
    ...HOST_TESTS.map(name => `test/integration/${name}.test.ts`),
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: "inherit",
    env: { MOORING_TEST_SCALE: "least", ...process.env, MONGODB_URL: url, MOORING_STORE: url },
  });
  // Told to end, the suite ends first, and then its server.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

async function run(): Promise<number> {
  const url = process.env["MONGODB_URL"];
  if (url) return runSuite(url);
  if (!isGoPresent()) {
    const isCi = process.env["CI"] === "true";
    console.log(
      `test:mongodb ${isCi ? "FAILED" : "SKIPPED"}: no server; set MONGODB_URL, or install Go (https://go.dev/dl) to have FerretDB built`,
    );
    return isCi ? 1 : 0;
  }
  await using server = await startFerretdb();
  return await runSuite(server.url);
}

process.exitCode = await run();
