/** A child process of a test: its output line by line, ended by its own pid, never by name. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { within } from "./eventually.ts";

export interface ProcessOptions {
  /** Name in failure texts. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with standard output as it comes, for a process that writes more than lines. */
  readonly onOutput?: (bytes: Buffer) => void;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  /** Standard output and standard error, oldest first; the last 5,000 lines. */
  readonly lines: readonly string[];
  /** Resolves when the process has ended and all its output is read. */
  readonly ended: Promise<ProcessEnd>;
  /** Writes a line to standard input. */
  write(line: string): void;
  writeBytes(bytes: Uint8Array): void;
  /** Closes standard input, after `text` where it is given. */
  end(text?: string): void;
  /**
   * The first line that `wanted` accepts, also among those already seen.
   * @throws Error with the output so far when the process ends first or time runs out
   */
  line(wanted: RegExp | ((line: string) => boolean), withinMs?: number): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL when it has not ended within `graceMs`. */
  stop(graceMs?: number): Promise<ProcessEnd>;
  /** Last lines of output, indented, for a failure text. */
  tail(count?: number): string;
}

const KEPT_LINES = 5000;

interface Watcher {
  wanted(line: string): boolean;
  found(line: string): void;
}

/** Resolves when the process has ended and both its streams have been read to their end. */
function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

export function startProcess({ name, command, args, cwd, env, onOutput }: ProcessOptions): TestProcess {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  const lines: string[] = [];
  const watchers = new Set<Watcher>();
  const keep = (line: string): void => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    for (const watcher of watchers) if (watcher.wanted(line)) watcher.found(line);
  };
  if (onOutput) child.stdout.on("data", onOutput);
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", keep);
  // A process that ended may leave a pipe that nobody reads; its end is told by `ended`.
  child.stdin.on("error", () => {});
  const ended = endOf(child);
  // A test run that dies must not leave its processes behind.
  const endWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", endWithUs);
  ended.catch(() => {}).finally(() => process.off("exit", endWithUs));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;

  const self: TestProcess = {
    pid: child.pid ?? -1,
    lines,
    ended,
    write: line => void child.stdin.write(`${line}\n`),
    writeBytes: bytes => void child.stdin.write(bytes),
    end: text => void (text === undefined ? child.stdin.end() : child.stdin.end(text)),
    async line(wanted, withinMs = 10_000) {
      const accepts = wanted instanceof RegExp ? (line: string): boolean => wanted.test(line) : wanted;
      const seen = lines.find(accepts);
      if (seen !== undefined) return seen;
      let watcher: Watcher | undefined;
      const found = new Promise<string>(resolve => {
        watcher = { wanted: accepts, found: resolve };
        watchers.add(watcher);
      });
      const gone = ended.then(({ code, signal }) => {
        throw new Error(`${name} ended (${signal ?? code}) before the line came`);
      });
      try {
        return await within(Promise.race([found, gone]), withinMs, `a line of ${name} like ${wanted}`);
      } catch (error) {
        throw new Error(`${(error as Error).message}; its output:\n${self.tail()}`);
      } finally {
        watchers.delete(watcher!);
      }
    },
    signal: signal => void child.kill(signal),
    async stop(graceMs = 10_000) {
      if (hasEnded()) return ended;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      try {
        return await ended;
      } finally {
        clearTimeout(timer);
      }
    },
    tail: (count = 40) =>
      lines
        .slice(-count)
        .map(line => `    ${line}`)
        .join("\n"),
    [Symbol.asyncDispose]: async () => void (await self.stop().catch(() => {})),
  };
  return self;
}
