/**
 * `npm run test:interop`: brings the independent peers, then runs the tests of those that are there. A missing peer is one
 * visible line with the command that brings it; with CI=true it fails the run.
 */
import { spawnSync } from "node:child_process";
import { root } from "../harness/host.ts";
import { prepareGnutls } from "./dtls/gnutls.ts";
import { prepareOpenssl } from "./dtls/openssl.ts";
import { prepareLeshan } from "./leshan/leshan.ts";
import { prepareLibcoap } from "./libcoap.ts";
import { preparePion } from "./pion/pion.ts";
import { MissingPeer } from "./programs.ts";
import { prepareWireshark } from "./wireshark.ts";

interface Peer {
  readonly name: string;
  readonly tests: readonly string[];
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
  { name: "Leshan", tests: [spec("leshan"), spec("leshan-secure"), spec("leshan-bootstrap")], prepare: prepareLeshan },
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

const tests = spawnSync("mocha", ["--config", "test/interop/.mocharc.json", ...present.flatMap(peer => peer.tests)], {
  cwd: root,
  stdio: "inherit",
});
if (tests.error) console.error(tests.error.message);
for (const line of missing) console.error(line);
const peersFail = missing.length > 0 && process.env["CI"] === "true";
process.exitCode = tests.status === 0 && !peersFail ? 0 : 1;
