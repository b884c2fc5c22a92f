/** One command as an operation of the host: made, and awaited. */
import { type Client, UnreachableError } from "../client.ts";
import type { CliIo } from "../io.ts";

export interface ShellOperation {
  readonly id: string;
  readonly status: "PENDING" | "EXECUTING" | "SUCCESSFUL" | "FAILED";
  readonly failureReason?: string;
  readonly c8y_Command?: {
    readonly text: string;
    readonly result?: string;
    readonly error?: Readonly<Record<string, unknown>>;
  };
}

const PATH = "/devicecontrol/operations";
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [50, 1_000];

export const createOperation = (client: Client, deviceId: string, text: string): Promise<ShellOperation> =>
  client.post(PATH, { deviceId, description: `Execute shell command: ${text}`, c8y_Command: { text } });

export const hasEnded = ({ status }: ShellOperation): boolean => status === "SUCCESSFUL" || status === "FAILED";

export interface AwaitParts {
  readonly client: Client;
  readonly io: Pick<CliIo, "now" | "pause">;
  /** How long to wait, ms; infinite is allowed. */
  readonly withinMs: number;
  readonly signal?: AbortSignal;
  /** Told once, when it takes longer than a second. */
  onWaiting(operation: ShellOperation): Promise<void>;
}

const TELL_AFTER_MS = 1_000;

/**
 * A host that is away for a moment is asked again.
 * @returns the operation as it was last seen: ended, or not in time, or not before `signal` aborted. @throws CliError
 */
export async function awaitOperation(operation: ShellOperation, parts: AwaitParts): Promise<ShellOperation> {
  const { client, io, withinMs, signal, onWaiting } = parts;
  const startedMs = io.now();
  let seen = operation;
  let told = false;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const takenMs = io.now() - startedMs;
    if (hasEnded(seen) || takenMs >= withinMs) return seen;
    if (!told && takenMs >= TELL_AFTER_MS) {
      told = true;
      await onWaiting(seen);
    }
    try {
      await io.pause(Math.min(pauseMs, withinMs - takenMs), signal);
    } catch (error) {
      if (signal?.aborted) return seen;
      throw error;
    }
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    try {
      seen = await client.get<ShellOperation>(`${PATH}/${operation.id}`);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
    }
  }
}
