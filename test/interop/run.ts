/**
 * `npm run test:interop`: brings the independent peers, then runs the tests of those that are there. A missing peer is one
 * visible line with the command that brings it; with CI=true it fails the run.
 */
import { spawnSync } from "node:child_process";
import { root } from "../harness/host.ts";
import { prepareLeshan } from "./leshan/leshan.ts";
import { prepareLibcoap } from "./libcoap.ts";
import { MissingPeer } from "./programs.ts";

interface Peer {
  readonly name: string;
  readonly tests: string;
  /** @throws MissingPeer */
  prepare(): void;
}

const peers: readonly Peer[] = [
  { name: "npm coap", tests: "test/interop/coap.interop.ts", prepare: () => {} },
  { name: "libcoap", tests: "test/interop/libcoap.interop.ts", prepare: prepareLibcoap },
  { name: "Leshan", tests: "test/interop/leshan.interop.ts", prepare: prepareLeshan },
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

const tests = spawnSync("mocha", ["--config", "test/interop/.mocharc.json", ...present.map(peer => peer.tests)], {
  cwd: root,
  stdio: "inherit",
});
if (tests.error) console.error(tests.error.message);
for (const line of missing) console.error(line);
const peersFail = missing.length > 0 && process.env["CI"] === "true";
process.exitCode = tests.status === 0 && !peersFail ? 0 : 1;
