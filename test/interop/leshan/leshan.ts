/** Leshan's client (Eclipse, Java) as a device of its own process; LeshanObjects.java holds its objects. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "../../harness/host.ts";
import { startProcess, type TestProcess } from "../../harness/process.ts";
import { ensurePrograms, fetchQuietly, runQuietly } from "../programs.ts";

const JARS = join(root, ".cache", "interop", "leshan");
const POM = join(import.meta.dirname, "pom.xml");
const SOURCES = readdirSync(import.meta.dirname)
  .filter(file => file.endsWith(".java"))
  .sort()
  .map(file => join(import.meta.dirname, file));
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
  // With -U also what failed before is asked for again.
  const goal = ["-U", "dependency:copy-dependencies", `-DoutputDirectory=${JARS}`];
  fetchQuietly("Leshan's client", "mvn", ["-B", "-q", "-f", POM, ...goal]);
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
  /** Where a second account without security leads, one with a bootstrap server. */
  readonly bootstrapPort?: number;
  readonly lifetimeSeconds?: number;
  /** How long before the end of the lifetime it updates, for lost messages; default 247, EXCHANGE_LIFETIME. */
  readonly marginSeconds?: number;
  /** Registers in Queue Mode. */
  readonly queueMode?: boolean;
  /** How long it stays away after Disable; default a day. */
  readonly disableTimeoutSeconds?: number;
  /** Names of object files in test/fixtures; default 3303.xml alone. */
  readonly ddfs?: readonly string[];
  /** Bytes of its own Connection ID; 0: only the server's is used; absent: none. */
  readonly cidBytes?: number;
  /** Name of the only suite that it offers. */
  readonly suite?: string;
  /** How long it waits for the answer to a Register; default 120,000. */
  readonly requestTimeoutMs?: number;
  /** Makes a new handshake for every Update, which resumes. */
  readonly reconnects?: boolean;
}

export type SendFormat = "SENML_JSON" | "SENML_CBOR";

export interface LeshanDevice extends AsyncDisposable {
  readonly endpoint: string;
  /** The process, for its lines; README.md names them. */
  readonly process: TestProcess;
  /** Sets /3303/0/5700, which notifies an observer. */
  setTemperature(celsius: number): void;
  /** Sets a resource, or one instance of it, which notifies an observer. Times are seconds, bytes hexadecimal. */
  set(path: string, value: string | number): void;
  /** The same, but an observer sees it when its period has passed. */
  hold(path: string, value: string | number): void;
  /** Takes the values of /3303/0/5700 down, each with the time of it, and sends them all in one Send. */
  send(values: readonly number[], format: SendFormat): void;
  /** Sends what the paths hold now, unless /1/0/23 forbids it. */
  sendPaths(paths: readonly string[], format: SendFormat): void;
  /** De-registers and starts anew with other options and all values as at first. */
  replace(options: Partial<LeshanOptions>): void;
  /** Sends an Update. */
  update(): void;
  /** Goes back to the bootstrap server. */
  bootstrap(): void;
  /** De-registers and ends. */
  stop(): Promise<void>;
}

/** `name=value` as LeshanDevice.java reads them; undefined ones are left out. */
function leshanArguments(options: LeshanOptions): string[] {
  const { endpoint, port, host = "127.0.0.1", account = { mode: "nosec" }, ddfs = ["3303.xml"] } = options;
  const uri = `${account.mode === "nosec" ? "coap" : "coaps"}://${host}:${port}`;
  const named: Record<string, string | number | undefined> = {
    ...account,
    ...(account.mode === "psk" ? { key: Buffer.from(account.key).toString("hex") } : {}),
    endpoint,
    bootstrap: options.bootstrapPort === undefined ? undefined : `coap://${host}:${options.bootstrapPort}`,
    [options.bootstraps ? "bootstrap" : "server"]: uri,
    lifetime: options.lifetimeSeconds ?? 300,
    margin: options.marginSeconds,
    disabled: options.disableTimeoutSeconds,
    queue: options.queueMode ? "yes" : undefined,
    ddf: ddfs.map(name => join(root, "test/fixtures", name)).join(","),
    cid: options.cidBytes,
    suite: options.suite,
    timeout: options.requestTimeoutMs,
    reconnects: options.reconnects ? "yes" : undefined,
  };
  return Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

export function startLeshanDevice(options: LeshanOptions): LeshanDevice {
  let { endpoint } = options;
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
    get endpoint() {
      return endpoint;
    },
    process: device,
    setTemperature: celsius => device.write(`temperature ${celsius}`),
    set: (path, value) => device.write(`set ${path} ${value}`),
    hold: (path, value) => device.write(`hold ${path} ${value}`),
    send(values, format) {
      for (const celsius of values) device.write(`collect ${celsius}`);
      device.write(`send ${format}`);
    },
    sendPaths: (paths, format) => device.write(`send ${format} ${paths.join(" ")}`),
    replace(changed) {
      endpoint = changed.endpoint ?? endpoint;
      device.write(`replace ${leshanArguments({ ...options, ...changed }).join(" ")}`);
    },
    update: () => device.write("update"),
    bootstrap: () => device.write("bootstrap"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
