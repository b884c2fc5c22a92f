/** Runs named commands one after the other, as `check` and `test` do, and stops at the first that fails. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");

export interface Step {
  readonly name: string;
  /** Command and arguments; the command is looked up in node_modules/.bin first (see run.mjs). */
  readonly command: readonly [string, ...string[]];
}

/** Exits the process with 1 at the first step that fails. */
export function runSteps(steps: readonly Step[]): void {
  for (const { name, command } of steps) {
    const startedAt = performance.now();
    console.log(`\n== ${name}`);
    const [program, ...args] = command;
    const done = spawnSync(program, args, { cwd: root, stdio: "inherit" });
    if (done.error) console.error(done.error.message);
    if (done.status !== 0) {
      console.error(`== ${name}: failed`);
      process.exit(1);
    }
    console.log(`== ${name}: passed in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  }
}

/** Types, lint, format, import direction and unit tests: what must be green at every commit. */
export const checkSteps: readonly Step[] = [
  { name: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "lint and format", command: ["biome", "check", "--error-on-warnings", "."] },
  { name: "import direction", command: [process.execPath, "scripts/imports.ts"] },
  { name: "unit tests", command: ["mocha"] },
];
