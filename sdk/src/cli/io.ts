/** What the command line sees of the world outside: given, so that a test can stand in for it. */
import { setTimeout as pause } from "node:timers/promises";

export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** For what is no result: refusals, and what is told while something takes long. */
  readonly errors: NodeJS.WritableStream;
  /** Whether somebody types, and whether somebody reads: what is shown then is made for eyes. */
  readonly isInputTerminal: boolean;
  readonly isOutputTerminal: boolean;
  readonly fetch: typeof fetch;
  /** ms since some fixed point. */
  now(): number;
  /** Rejects when `signal` aborts. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
}

export const processIo = (): CliIo => ({
  env: process.env,
  input: process.stdin,
  output: process.stdout,
  errors: process.stderr,
  isInputTerminal: process.stdin.isTTY === true,
  isOutputTerminal: process.stdout.isTTY === true,
  fetch,
  now: () => performance.now(),
  pause: async (ms, signal) => pause(ms, undefined, signal && { signal }),
});

export const say = (stream: NodeJS.WritableStream, text: string): void => void stream.write(`${text}\n`);
