/** A decoder host's process and its pipes: frames out, frames in, and one call when it has ended. */
import { spawn } from "node:child_process";
import { createFrameReader, encodeFrame } from "./frames.ts";
import type { HostCommand } from "./host-command.ts";
import { FRAME_BYTES } from "./limits.ts";
import { type FromHost, isFromHost, type ToHost } from "./protocol.ts";

export interface HostPipe {
  /** 0 for a process that could not be started; then `onEnd` follows. */
  readonly pid: number;
  send(head: ToHost, parts?: readonly (string | Uint8Array)[]): void;
  /** SIGKILL: a hanging isolate holds up every gentler way. */
  kill(): void;
}

export interface PipeParts {
  onMessage(message: FromHost, parts: readonly Uint8Array[]): void;
  /** What came is no frame, or no answer of ours: such a process is not to be trusted any more. */
  onNonsense(): void;
  /** Once. `stderr`: the beginning of what it wrote there; V8 gives its reason first. */
  onEnd(how: string, stderr: string): void;
}

const STDERR_CHARACTERS = 300;

export function openHostPipe(command: HostCommand, parts: PipeParts): HostPipe {
  const { file, args, cwd, user } = command;
  const child = spawn(file, [...args], { ...user, env: {}, cwd, stdio: ["pipe", "pipe", "pipe"] });
  let stderr = "";
  let ended = false;
  const end = (how: string): void => {
    if (!ended) parts.onEnd(how, stderr);
    ended = true;
  };
  const reader = createFrameReader(FRAME_BYTES, ({ head, parts: body }) => {
    if (isFromHost(head)) parts.onMessage(head, body);
    else parts.onNonsense();
  });
  child.on("error", error => end(error.message));
  child.on("close", (code, signal) => end(signal ?? `exit ${code}`));
  // A write to a process that just died; `close` follows and tells everybody.
  child.stdin.on("error", () => child.kill("SIGKILL"));
  child.stdout.on("data", (chunk: Buffer) => {
    if (!reader.push(chunk)) parts.onNonsense();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    if (stderr.length < STDERR_CHARACTERS) stderr = (stderr + chunk.toString("utf8")).slice(0, STDERR_CHARACTERS);
  });
  return {
    pid: child.pid ?? 0,
    send: (head, body) => void child.stdin.write(encodeFrame(head, body)),
    kill: () => void child.kill("SIGKILL"),
  };
}
