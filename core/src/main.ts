/** The process: options in, one ready line out, a quiet end on SIGTERM. Everything else is in server.ts. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { systemClock } from "./base/clock.ts";
import { isFailure, messageOf } from "./base/errors.ts";
import { createLog, type Log } from "./base/log.ts";
import { createSystemRandom } from "./base/random.ts";
import { loadConfig } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import { decoderFolders } from "./decoding/decoder-registry.ts";
import { discoverPlugins, type FoundPlugin } from "./plugin-host/discover.ts";
import type { Plugins } from "./plugin-host/host.ts";
import { type Host, type HostParts, openHost } from "./server.ts";
import type { GeneratedLogin } from "./tenants/tenants.ts";

const ROOT = join(import.meta.dirname, "../..");
/** What this distribution brings: packages by name, found as those of others are, since core knows no plugin. */
const SHIPPED_PLUGINS = [
  "@mooring/plugin-connectivity",
  "@mooring/plugin-device",
  "@mooring/plugin-location",
  "@mooring/plugin-streaming",
];
/** Makes one module of a decoder's source and its imports; loaded when there is such a decoder. */
const BUNDLER = "@mooring/sdk/pack";
const DEMO_DEVICES = 5;
/** A stop that takes longer has gone wrong: what is stored is stored, the rest is said. */
const STOP_LIMIT_MS = 9_000;

function findPlugins({ plugins, data }: Config): Promise<readonly FoundPlugin[]> {
  const folder = plugins.dir ?? join(data.dir, "plugins");
  const { packages, paths } = plugins;
  return discoverPlugins({ shipped: SHIPPED_PLUGINS, packages, paths, folder, packageBases: [folder, ROOT] });
}

async function bundleDecoder(file: string): Promise<string> {
  const { cachedBundle } = (await import(BUNDLER)) as { cachedBundle(file: string, folder: string): Promise<string> };
  return cachedBundle(file, join(ROOT, ".cache", "decoders"));
}

/** Shown once, on standard error: a log is kept and sent around. */
function showLogin({ tenant, userName, password }: GeneratedLogin): void {
  console.error(
    `\n  Administrator of tenant ${tenant}: user "${userName}", password "${password}"` +
      "\n  It is shown this once; MOORING_ADMIN_PASSWORD sets another for a new store.\n",
  );
}

/** What the demo shows: each series of what was stored. */
function showMeasurements(log: Log): NonNullable<HostParts["onStored"]> {
  return (endpoint, effects) => {
    const series = effects.flatMap(effect => (effect.kind === "measurement" ? Object.entries(effect.series) : []));
    if (series.length === 0) return;
    const values = series.flatMap(([fragment, named]) =>
      Object.entries(named).map(([name, { value, unit = "" }]) => [`${fragment}.${name}`, `${value} ${unit}`.trim()]),
    );
    log.info("demo.measured", { endpoint, ...Object.fromEntries(values) });
  };
}

interface DemoModule {
  /** What the devices' process reads. */
  prepareDemo(host: Host, count: number): Promise<unknown>;
}

/** Simulated devices as a process of their own; they leave when their standard input ends. */
async function startDemo(host: Host, log: Log): Promise<ChildProcess> {
  const folder = join(ROOT, "test/simulator");
  const { prepareDemo } = (await import(join(folder, "prepare-demo.ts"))) as DemoModule;
  const order = await prepareDemo(host, DEMO_DEVICES);
  const child = spawn(process.execPath, [join(folder, "demo.ts")], { stdio: ["pipe", "inherit", "inherit"] });
  child.on("error", error => log.error("demo.failed", { reason: error.message }));
  // Keys stand in it, so it is no argument: those can be seen by others.
  child.stdin.write(`${JSON.stringify(order)}\n`);
  return child;
}

/** What fails outside of all calls ends the process, as Node has it, unless it is a plugin's. */
function catchStrays({ takeStray }: Pick<Plugins, "takeStray">): void {
  const take = (error: unknown): void => {
    if (takeStray(error)) return;
    console.error(error);
    process.exit(1);
  };
  process.on("unhandledRejection", take);
  process.on("uncaughtException", take);
}

async function run(config: Config, log: Log): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const host = opened.use(
    await openHost({
      config,
      clock: systemClock,
      random: createSystemRandom(),
      log,
      findPlugins: () => findPlugins(config),
      onPlugins: catchStrays,
      decoderFolders: await decoderFolders(join(ROOT, "decoders")),
      bundleDecoder,
      onGeneratedLogin: showLogin,
      ...(config.demo.enabled && { onStored: showMeasurements(log) }),
    }),
  );
  const stopped = new Promise<NodeJS.Signals>(resolve => {
    // Not `once`: Ctrl-C comes from the terminal and again from the script that started this process.
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, resolve);
  });
  if (config.demo.enabled) {
    const demo = await startDemo(host, log);
    opened.defer(() => void demo.stdin?.end());
  }
  log.info("server.ready", { ...host.addresses, tenant: host.tenant, store: config.store.engine.split(":", 1)[0] });
  const signal = await stopped;
  log.info("server.stopping", { signal });
  systemClock.after(STOP_LIMIT_MS, () => {
    log.error("server.stopLate", { limitMs: STOP_LIMIT_MS });
    process.exit(1);
  });
}

async function main(): Promise<void> {
  const loaded = loadConfig({ argv: process.argv.slice(2), env: process.env });
  if (loaded.kind === "help") {
    console.log(loaded.text);
    return;
  }
  const log = createLog(loaded.config.log.level);
  for (const { option, reason } of loaded.ignored) log.warn("config.ignored", { option, reason });
  await run(loaded.config, log);
  log.info("server.stopped");
}

try {
  await main();
} catch (error) {
  console.error(isFailure(error) ? error.message : error instanceof Error ? error.stack : messageOf(error));
  process.exitCode = 1;
}
