/** Leshan's client (Eclipse, Java) as a device of its own process; LeshanDevice.java holds its objects. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "../../harness/host.ts";
import { startProcess, type TestProcess } from "../../harness/process.ts";
import { ensurePrograms, runQuietly } from "../programs.ts";

const JARS = join(root, ".cache", "interop", "leshan");
const POM = join(import.meta.dirname, "pom.xml");
const DEVICE = join(import.meta.dirname, "LeshanDevice.java");
const CLASSPATH = [join(JARS, "*"), join(JARS, "classes")].join(delimiter);

/**
 * Fetches the jars and compiles the device, once for each state of pom.xml and LeshanDevice.java.
 * @throws MissingPeer naming the command
 */
export function prepareLeshan(): void {
  ensurePrograms(["java", "javac", "mvn"], ["default-jdk-headless", "maven"]);
  const stamp = join(JARS, "sources.sha256");
  const wanted = createHash("sha256").update(readFileSync(POM)).update(readFileSync(DEVICE)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("interop: fetching Leshan's client with Maven ...");
  rmSync(JARS, { recursive: true, force: true });
  mkdirSync(JARS, { recursive: true });
  const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${JARS}`];
  runQuietly("Leshan's client", "mvn", ["-B", "-q", "-f", POM, ...goal]);
  runQuietly("Leshan's device", "javac", ["-cp", CLASSPATH, "-d", join(JARS, "classes"), DEVICE]);
  writeFileSync(stamp, wanted);
}

export interface LeshanDevice extends AsyncDisposable {
  readonly endpoint: string;
  /** The process, for its lines: `registered <location>`, `written <path> <value> <code>`, `executed <path>`, `updated`. */
  readonly process: TestProcess;
  /** Sets /3303/0/5700, which notifies an observer. */
  setTemperature(celsius: number): void;
  /** Takes the values down, each with the time of it, and sends them all in one Send. */
  send(values: readonly number[], format: "SENML_JSON" | "SENML_CBOR"): void;
  /** Sends an Update. */
  update(): void;
  /** De-registers and ends. */
  stop(): Promise<void>;
}

export function startLeshanDevice(options: {
  readonly endpoint: string;
  readonly serverPort: number;
  readonly lifetimeSeconds?: number;
}): LeshanDevice {
  const { endpoint, serverPort, lifetimeSeconds = 300 } = options;
  const device = startProcess({
    name: "Leshan's client",
    command: "java",
    args: [
      ...["-XX:TieredStopAtLevel=1", "-cp", CLASSPATH, "LeshanDevice"],
      `coap://127.0.0.1:${serverPort}`,
      endpoint,
      String(lifetimeSeconds),
      join(root, "test/fixtures/3303.xml"),
    ],
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
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
