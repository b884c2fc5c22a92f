/**
 * `npm run test:interop`: brings the independent peers, then runs the tests of those that are there. A missing peer is one
 * visible line with the command that brings it; with CI=true it fails the run. Tests that wait a lot run beside the others, their reports
 * come after. The last line counts OMA's cases.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../harness/host.ts";
import { prepareGnutls } from "./dtls/gnutls.ts";
import { prepareOpenssl } from "./dtls/openssl.ts";
import { prepareLeshan } from "./leshan/leshan.ts";
import { prepareLibcoap } from "./libcoap.ts";
import { type TestOutcome, tallyCases, tallyLines } from "./oma/tally.ts";
import { preparePion } from "./pion/pion.ts";
import { MissingPeer } from "./programs.ts";
import { prepareWireshark } from "./wireshark.ts";

interface Peer {
  readonly name: string;
  readonly tests: readonly string[];
  /** Further tests: each list in a run of its own, beside the others. */
  readonly beside?: readonly (readonly string[])[];
  /** @throws MissingPeer */
  prepare(): void;
}

const spec = (name: string): string => `test/interop/${name}.interop.ts`;

const peers: readonly Peer[] = [
  { name: "npm coap", tests: [spec("coap")], prepare: () => {} },
  { name: "libcoap", tests: [spec("libcoap")], prepare: prepareLibcoap },
  {
    name: "OpenSSL, GnuTLS and libcoap over them",
    tests: [spec("dtls")],
    prepare() {
      prepareOpenssl();
      prepareGnutls();
      prepareLibcoap();
    },
  },
  { name: "pion/dtls", tests: [spec("pion")], prepare: preparePion },
  {
    name: "Leshan",
    tests: [
      "oma/registration",
      "oma/reading",
      "oma/writing",
      "oma/reporting",
      "oma/core-objects",
      "oma/further-objects",
      "oma/firmware",
      "oma/firmware-operations",
      "oma/two-servers",
    ].map(spec),
    beside: [
      ["leshan", "leshan-secure", "leshan-bootstrap"],
      ["oma/slow-registration"],
      ["oma/slow-observations"],
      ["oma/slow-composite"],
    ].map(names => names.map(spec)),
    prepare: prepareLeshan,
  },
  {
    name: "Wireshark, with Leshan",
    tests: [spec("recording")],
    prepare() {
      prepareWireshark();
      prepareLeshan();
    },
  },
];

const missing: string[] = [];
const present = peers.filter(({ name, prepare }) => {
  try {
    prepare();
    return true;
  } catch (error) {
    if (!(error instanceof MissingPeer)) throw error;
    missing.push(`interop: ${name} is not tested: ${error.message}`);
    return false;
  }
});

const folder = mkdtempSync(join(tmpdir(), "mooring-interop-"));
const outcomesFile = join(folder, "outcomes.jsonl");
writeFileSync(outcomesFile, "");

interface MochaEnd {
  readonly isGood: boolean;
  /** Empty where it went to the terminal. */
  readonly output: string;
}

function runMocha(tests: readonly string[], isShown: boolean): Promise<MochaEnd> {
  if (tests.length === 0) return Promise.resolve({ isGood: true, output: "" });
  const reporter = ["--reporter", "test/interop/oma/reporter.ts", "--reporter-option", `outcomes=${outcomesFile}`];
  const mocha = spawn("mocha", ["--config", "test/interop/.mocharc.json", ...reporter, ...tests], {
    cwd: root,
    stdio: isShown ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  for (const stream of [mocha.stdout, mocha.stderr]) stream?.on("data", bytes => output.push(bytes));
  return new Promise((resolve, reject) => {
    mocha.once("error", reject);
    mocha.once("close", code => resolve({ isGood: code === 0, output: Buffer.concat(output).toString() }));
  });
}

const ends = await Promise.all([
  runMocha(
    present.flatMap(({ tests }) => tests),
    true,
  ),
  ...present.flatMap(({ beside = [] }) => beside.map(tests => runMocha(tests, false))),
]);
for (const { output } of ends) process.stdout.write(output);
for (const line of missing) console.error(line);
const outcomes = readFileSync(outcomesFile, "utf8")
  .split("\n")
  .filter(Boolean)
  .map(line => JSON.parse(line) as TestOutcome);
rmSync(folder, { recursive: true });
const tally = tallyCases(outcomes);
const peersFail = missing.length > 0 && process.env["CI"] === "true";
// A case without a test is no matter of chance, unless its peer is not there.
const casesFail = missing.length === 0 && tally.missing.length > 0;
process.exitCode = ends.every(({ isGood }) => isGood) && !peersFail && !casesFail ? 0 : 1;
for (const line of tallyLines(tally)) console.log(line);
