/** Leshan's client (Eclipse, Java) as a device of its own process; LeshanDevice.java holds its objects. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "../../harness/host.ts";
import { startProcess, type TestProcess } from "../../harness/process.ts";
import { ensurePrograms, runQuietly } from "../programs.ts";

const JARS = join(root, ".cache", "interop", "leshan");
const POM = join(import.meta.dirname, "pom.xml");
const SOURCES = ["LeshanDevice.java", "LeshanAccounts.java"].map(file => join(import.meta.dirname, file));
const CLASSPATH = [join(JARS, "*"), join(JARS, "classes")].join(delimiter);

/**
 * Fetches the jars and compiles the device, once for each state of pom.xml and the sources.
 * @throws MissingPeer naming the command
 */
export function prepareLeshan(): void {
  ensurePrograms(["java", "javac", "mvn"], ["default-jdk-headless", "maven"]);
  const stamp = join(JARS, "sources.sha256");
  const hash = createHash("sha256");
  for (const file of [POM, ...SOURCES]) hash.update(readFileSync(file));
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("interop: fetching Leshan's client with Maven ...");
  rmSync(JARS, { recursive: true, force: true });
  mkdirSync(JARS, { recursive: true });
  const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${JARS}`];
  runQuietly("Leshan's client", "mvn", ["-B", "-q", "-f", POM, ...goal]);
  runQuietly("Leshan's device", "javac", ["-cp", CLASSPATH, "-d", join(JARS, "classes"), ...SOURCES]);
  writeFileSync(stamp, wanted);
}

/** The account that the device starts with. Files are paths of PEM files. */
export type LeshanAccount =
  | { readonly mode: "nosec" }
  | { readonly mode: "psk"; readonly identity: string; readonly key: string }
  | {
      readonly mode: "x509" | "rpk";
      readonly certificate: string;
      readonly privateKey: string;
      /** The server's, or with usage 2 that of its authority. */
      readonly serverCertificate: string;
      /** /0/x/15; default 3, the server's certificate itself. */
      readonly usage?: 0 | 1 | 2 | 3;
      /** Authority that usage 0 and 1 build on. */
      readonly trust?: string;
    };

export interface LeshanOptions {
  readonly endpoint: string;
  /** Where the account leads. */
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default no security. */
  readonly account?: LeshanAccount;
  /** The account is one with a bootstrap server, and the only one. */
  readonly bootstraps?: boolean;
  readonly lifetimeSeconds?: number;
  /** Bytes of its own Connection ID; 0: only the server's is used; absent: none. */
  readonly cidBytes?: number;
  /** Name of the only suite that it offers. */
  readonly suite?: string;
  /** How long it waits for the answer to a Register; default 120,000. */
  readonly requestTimeoutMs?: number;
  /** Makes a new handshake for every Update, which resumes. */
  readonly reconnects?: boolean;
}

export interface LeshanDevice extends AsyncDisposable {
  readonly endpoint: string;
  /** The process, for its lines: `registered <location>`, `written <path> <value> <code>`, `executed <path>`, `updated`, `bootstrapped <uri>`. */
  readonly process: TestProcess;
  /** Sets /3303/0/5700, which notifies an observer. */
  setTemperature(celsius: number): void;
  /** Takes the values down, each with the time of it, and sends them all in one Send. */
  send(values: readonly number[], format: "SENML_JSON" | "SENML_CBOR"): void;
  /** Sends an Update. */
  update(): void;
  /** Goes back to the bootstrap server. */
  bootstrap(): void;
  /** De-registers and ends. */
  stop(): Promise<void>;
}

/** `name=value` as LeshanDevice.java reads them; undefined ones are left out. */
function leshanArguments(options: LeshanOptions): string[] {
  const { endpoint, port, host = "127.0.0.1", account = { mode: "nosec" }, lifetimeSeconds = 300 } = options;
  const uri = `${account.mode === "nosec" ? "coap" : "coaps"}://${host}:${port}`;
  const named: Record<string, string | number | undefined> = {
    ...account,
    ...(account.mode === "psk" ? { key: Buffer.from(account.key).toString("hex") } : {}),
    endpoint,
    [options.bootstraps ? "bootstrap" : "server"]: uri,
    lifetime: lifetimeSeconds,
    ddf: join(root, "test/fixtures/3303.xml"),
    cid: options.cidBytes,
    suite: options.suite,
    timeout: options.requestTimeoutMs,
    reconnects: options.reconnects ? "yes" : undefined,
  };
  return Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

export function startLeshanDevice(options: LeshanOptions): LeshanDevice {
  const { endpoint } = options;
  const device = startProcess({
    name: "Leshan's client",
    command: "java",
    args: ["-XX:TieredStopAtLevel=1", "-cp", CLASSPATH, "LeshanDevice", ...leshanArguments(options)],
    cwd: JARS,
  });
  const stop = async (): Promise<void> => {
    device.write("stop");
    const timer = setTimeout(() => device.signal("SIGKILL"), 10_000);
    await device.ended.finally(() => clearTimeout(timer));
  };
  return {
    endpoint,
    process: device,
    setTemperature: celsius => device.write(`temperature ${celsius}`),
    send(values, format) {
      for (const celsius of values) device.write(`collect ${celsius}`);
      device.write(`send ${format}`);
    },
    update: () => device.write("update"),
    bootstrap: () => device.write("bootstrap"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
