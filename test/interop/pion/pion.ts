/** pion/dtls (Go) as a client of its own process, built from the Go module proxy; main.go says what it takes and tells. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../harness/host.ts";
import { startProcess, type TestProcess } from "../../harness/process.ts";
import { certificateFile, privateKeyFile } from "../../simulator/dtls/certificates.ts";
import type { CertificateExchange, CertificatePeer } from "../dtls/certificate-suite.ts";
import { type DtlsExchange, type DtlsOutcome, type DtlsPeer, registerBytes } from "../dtls/dtls-peer.ts";
import { ensurePrograms, fetchQuietly } from "../programs.ts";

const SOURCE = import.meta.dirname;
const CACHE = join(root, ".cache", "interop", "pion");

/** Named by what it is built from, so that another version is built anew. */
function binaryPath(): string {
  const hash = createHash("sha256");
  for (const file of ["main.go", "go.mod", "go.sum"]) hash.update(readFileSync(join(SOURCE, file)));
  return join(CACHE, `pion-client-${hash.digest("hex").slice(0, 16)}`);
}

/** @throws MissingPeer naming the command */
export function preparePion(): void {
  ensurePrograms(["go"], ["golang-go"]);
  const binary = binaryPath();
  if (existsSync(binary)) return;
  console.log("interop: building pion's client from its Go module ...");
  mkdirSync(CACHE, { recursive: true });
  // Its modules come first; those that came are there when it is tried again.
  fetchQuietly("pion's client", "go", ["build", "-C", SOURCE, "-trimpath", "-buildvcs=false", "-o", binary, "."]);
}

export type PionOptions = (DtlsExchange | CertificateExchange) & PionWays;

interface PionWays {
  /** Bytes of its own Connection ID; 0: only the server's is used; absent: none. */
  readonly cidBytes?: number;
  /** Keeps its session for {@link PionClient.reconnect}. */
  readonly resumes?: boolean;
  /** Limit of a handshake, default 10,000. */
  readonly withinMs?: number;
}

export interface PionClient extends AsyncDisposable {
  readonly process: TestProcess;
  /** @returns its line `connected <suite> <session>` @throws Error with its output when it fails */
  connected(): Promise<string>;
  send(bytes: Uint8Array): void;
  /** The first line that holds these bytes. */
  received(bytes: Uint8Array): Promise<string>;
  /** Goes on from another local port. @returns it */
  rebind(): Promise<number>;
  /** Ends the connection and makes the next one. @returns its line */
  reconnect(): Promise<string>;
  close(): Promise<void>;
}

function accountArguments(account: DtlsExchange | CertificateExchange): string[] {
  if ("key" in account) {
    const { identity, key, suite = "PSK_CCM_8" } = account;
    return ["-identity", identity, "-key", Buffer.from(key).toString("hex"), "-suites", suite];
  }
  const { certificate: name, suite = "ECDHE_ECDSA_CCM_8" } = account;
  const own = ["-certificate", certificateFile(name), "-private-key", privateKeyFile(name)];
  return [...own, "-ca", certificateFile("ca"), "-name", "localhost", "-suites", suite];
}

export function startPion(options: PionOptions): PionClient {
  const { port, cidBytes = -1, resumes = false, withinMs = 10_000 } = options;
  const process = startProcess({
    name: "pion's client",
    command: binaryPath(),
    args: [
      ...["-server", `127.0.0.1:${port}`, ...accountArguments(options)],
      ...["-cid", String(cidBytes), "-within", `${withinMs}ms`, ...(resumes ? ["-resume"] : [])],
    ],
  });
  const linesOf = (word: string): string[] => process.lines.filter(line => line.startsWith(word));
  const nextOf = async (word: string, count: number): Promise<string> => {
    await process.line(() => linesOf(word).length > count, withinMs);
    return linesOf(word)[count]!;
  };
  const close = async (): Promise<void> => {
    process.write("close");
    await process.stop(1000);
  };
  return {
    process,
    connected: () => nextOf("connected", 0),
    send: bytes => process.write(`send ${Buffer.from(bytes).toString("hex")}`),
    received: bytes =>
      process.line(line => line.startsWith("received") && line.includes(Buffer.from(bytes).toString("hex"))),
    async rebind() {
      const count = linesOf("rebound").length;
      process.write("rebind");
      return Number((await nextOf("rebound", count)).split(" ")[1]);
    },
    async reconnect() {
      const count = linesOf("connected").length;
      process.write("reconnect");
      return nextOf("connected", count);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What came back for a Register, in the peer suite's terms. */
export async function registerThrough(client: PionClient, endpoint: string): Promise<DtlsOutcome> {
  const { request, answerIn } = registerBytes(endpoint);
  const answers = (line: string): boolean =>
    line.startsWith("received ") && answerIn(Buffer.from(line.slice("received ".length), "hex")) !== undefined;
  client.send(request);
  // Sent again every second, as CoAP would.
  const repeater = setInterval(() => client.send(request), 1000);
  const line = await client.process.line(answers, 20_000).finally(() => clearInterval(repeater));
  const answer = answerIn(Buffer.from(line.slice("received ".length), "hex"));
  return { code: answer?.code, output: client.process.tail() };
}

/** One connection: registers, or ends without one. */
async function registerOnce(options: PionOptions): Promise<DtlsOutcome> {
  await using client = startPion(options);
  const isConnected = await Promise.race([
    client.connected().then(
      () => true,
      () => false,
    ),
    client.process.ended.then(() => false),
  ]);
  if (isConnected) return await registerThrough(client, options.endpoint);
  return { code: undefined, output: client.process.tail() };
}

async function registerResumed(options: PionOptions): Promise<DtlsOutcome> {
  await using client = startPion({ ...options, resumes: true });
  const first = await client.connected();
  // A session that carried nothing may not be stored yet when the next handshake asks for it.
  await registerThrough(client, options.endpoint);
  const second = await client.reconnect();
  return { ...(await registerThrough(client, options.endpoint)), resumed: first === second };
}

export const pion: DtlsPeer = {
  name: "pion/dtls",
  retransmits: true,
  suites: { PSK_CCM_8: 0xc0a8, PSK_CCM: 0xc0a4, PSK_GCM: 0x00a8 },
  cbcSuites: { PSK_CBC: 0x00ae, ECDHE_PSK_CBC: 0xc037 },
  register: registerOnce,
  resume: registerResumed,
};

export const pionCertificates: CertificatePeer = {
  name: "pion/dtls",
  cutsDatagrams: false,
  suites: { ECDHE_ECDSA_CCM_8: 0xc0ae, ECDHE_ECDSA_GCM: 0xc02b },
  register: registerOnce,
  resume: registerResumed,
};
