import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { eventually } from "../../test/harness/eventually.ts";
import { startProcess, type TestProcess } from "../../test/harness/process.ts";

const SCRIPTS = join(import.meta.dirname, "..");
const LIMIT_MS = 30_000;
const WANTED = {
  packages: {
    "": { version: "0.1.0" },
    "node_modules/a": { version: "1.0.0" },
    "node_modules/other-platform": { version: "1.0.0", optional: true },
  },
};
const INSTALLED = { packages: { "node_modules/a": { version: "1.0.0" } } };

/** Empties node_modules at once, as npm does, then fills it when it is told to. */
const NPM = `
import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
rmSync("node_modules", { recursive: true, force: true });
appendFileSync("npm.log", process.pid + "\\n");
console.error("npm began");
const timer = setInterval(() => {
  if (existsSync("fail")) process.exit(7);
  if (!existsSync("go")) return;
  clearInterval(timer);
  mkdirSync("node_modules");
  writeFileSync("node_modules/.package-lock.json", ${JSON.stringify(JSON.stringify(INSTALLED))});
}, 5);
`;

describe("scripts/install", function () {
  this.timeout(2 * LIMIT_MS);
  let root: string;
  const started: TestProcess[] = [];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "mooring-install-"));
    mkdirSync(join(root, "scripts"));
    for (const name of ["run.mjs", "install.mjs"]) cpSync(join(SCRIPTS, name), join(root, "scripts", name));
    write("package-lock.json", JSON.stringify(WANTED));
    write("npm.mjs", NPM);
    write("hello.mjs", 'console.log("hello");');
  });
  afterEach(async () => {
    // What a killed one has left at work ends, too.
    write("go");
    for (const one of started.splice(0)) await one[Symbol.asyncDispose]();
    rmSync(root, { recursive: true });
  });
  const write = (name: string, text = ""): void => writeFileSync(join(root, name), text);
  const npmRuns = (): number[] => readFileSync(join(root, "npm.log"), "utf8").trimEnd().split("\n").map(Number);
  const holders = (): unknown[] => JSON.parse(readFileSync(join(root, ".cache/install/1/holders.json"), "utf8"));
  function start(): TestProcess {
    const one = startProcess({
      name: "run.mjs",
      command: process.execPath,
      args: [join(root, "scripts/run.mjs"), "hello.mjs"],
      env: { npm_execpath: join(root, "npm.mjs"), npm_lifecycle_event: "" },
    });
    started.push(one);
    return one;
  }
  const saysHello = async (one: TestProcess): Promise<void> => {
    await one.line(/^hello$/, LIMIT_MS);
    assert.deepEqual(await one.ended, { code: 0, signal: null });
  };

  it("of four that start at once one installs, and the others wait for it", async () => {
    const four = [start(), start(), start(), start()];
    const said = await Promise.all(
      four.map(one => one.line(/npm began|waits for process \d+, which installs/, LIMIT_MS)),
    );
    assert.equal(said.filter(line => line === "npm began").length, 1, said.join("\n"));
    write("go");
    for (const one of four) await saysHello(one);
    assert.equal(npmRuns().length, 1);
    await saysHello(start());
    assert.equal(npmRuns().length, 1);
  });

  it("one that is killed leaves npm at work: the next waits for it, and does not install again", async () => {
    const killed = start();
    await killed.line(/npm began/, LIMIT_MS);
    await eventually(() => holders().length === 2 || undefined, { what: "npm among those that hold the turn" });
    killed.signal("SIGKILL");
    const next = start();
    await next.line(/waits for process/, LIMIT_MS);
    write("go");
    await saysHello(next);
    assert.equal(npmRuns().length, 1);
  });

  it("killed together with its npm, it holds up nobody: the next installs", async () => {
    const killed = start();
    await killed.line(/npm began/, LIMIT_MS);
    const next = start();
    await next.line(new RegExp(`waits for process ${killed.pid},`), LIMIT_MS);
    killed.signal("SIGKILL");
    process.kill(npmRuns()[0]!, "SIGKILL");
    await next.line(/npm began/, LIMIT_MS);
    write("go");
    await saysHello(next);
    assert.equal(npmRuns().length, 2);
  });

  it("where npm fails it ends with 1 and says so; the next tries again", async () => {
    write("fail");
    const failed = start();
    assert.deepEqual(await failed.ended, { code: 1, signal: null });
    assert.include(failed.lines, "mooring: npm ci ended with 7; its output is above");
    rmSync(join(root, "fail"));
    write("go");
    await saysHello(start());
  });

  const { packages } = INSTALLED;
  const cases: [what: string, there: unknown, isInstalled: boolean][] = [
    ["nothing", undefined, false],
    ["what can be read by nobody", "{", false],
    ["all but what is for other platforms", INSTALLED, true],
    ["all of it", WANTED, true],
    ["more than that", { packages: { ...packages, "node_modules/b": { version: "1.0.0" } } }, true],
    ["less", { packages: {} }, false],
    ["another version", { packages: { "node_modules/a": { version: "1.0.1" } } }, false],
  ];
  for (const [what, there, isInstalled] of cases) {
    it(`with ${what} in node_modules, npm ${isInstalled ? "is not run" : "is run"}, whoever installed it`, async () => {
      const scripts = (await import(join(SCRIPTS, "install.mjs"))) as { isInstalled(root: string): boolean };
      mkdirSync(join(root, "node_modules"));
      const text = typeof there === "string" ? there : JSON.stringify(there);
      if (there !== undefined) write("node_modules/.package-lock.json", text);
      assert.equal(scripts.isInstalled(root), isInstalled);
    });
  }
});
