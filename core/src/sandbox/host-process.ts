/** The main process's end of one decoder host: calls in, answers out, and a watch that ends the host when it misbehaves. */
import type { Clock } from "../base/clock.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { HostCommand } from "./host-command.ts";
import { openHostPipe } from "./host-pipe.ts";
import { judgeHost, type OpenCall, type Verdict } from "./host-watch.ts";
import type { SandboxLimits } from "./limits.ts";
import type { ProcessReader } from "./process-stat.ts";
import { type FromHost, readPrinted, type ToHost } from "./protocol.ts";

export type HostReply =
  | {
      readonly ok: true;
      readonly text: string;
      readonly cpuMs: number;
      /** Told now and then. */
      readonly heapBytes?: number;
      readonly console?: readonly string[];
    }
  | {
      readonly ok: false;
      readonly reason: Verdict["reason"];
      readonly message: string;
      readonly cpuMs: number;
      readonly console?: readonly string[];
      /** The process ended under this call; another call may have been the cause. */
      readonly hostDied: boolean;
    };

type Call<K extends ToHost["kind"]> = Omit<Extract<ToHost, { kind: K }>, "call" | "kind">;

export interface DecoderHost extends AsyncDisposable {
  readonly pid: number;
  /** How it was started. */
  readonly command: HostCommand;
  /** None of the calls ever rejects. `text` of the answer is plain JavaScript. */
  strip(typescript: string): Promise<HostReply>;
  load(message: Call<"load">, source: string): Promise<HostReply>;
  decode(message: Call<"decode">, items: string, bytes: Uint8Array): Promise<HostReply>;
  drop(decoder: string): void;
}

export interface HostParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: SandboxLimits;
  readonly processes: ProcessReader | undefined;
  /** Ways to start a host, best first. */
  readonly commands: readonly HostCommand[];
  /** A decode that takes longer than this ends the host, ms (a load: `limits.openWallMs`). */
  readonly wallMs: number;
  /** The host ended without being asked to; called before its open calls are answered. */
  onDied(): void;
  /** The host comes near its memory limit: what is not needed in it should go. */
  onCrowded?(): void;
}

/** Share of its memory limit from which on a host is crowded. */
const CROWDED = 0.75;

const textOf = (part: Uint8Array | undefined): string =>
  part ? Buffer.from(part.buffer, part.byteOffset, part.length).toString("utf8") : "";

/**
 * Starts a host in the best way that works; the log says what could not be withheld from it.
 * @throws MooringError DECODER_UNAVAILABLE when none starts
 */
export async function startHost(parts: HostParts): Promise<DecoderHost> {
  const { commands, log } = parts;
  let failure: unknown;
  for (const command of commands) {
    try {
      const host = await startWith(command, parts);
      const { pid } = host;
      if (!command.confined) log.warn("sandbox.permissionModelUnavailable", { pid });
      if (!command.user && commands.some(({ user }) => user)) {
        const effect = "decoder hosts run as root: nobody cannot read the folder of this program, or one above it";
        log.warn("sandbox.hostsRunAsRoot", { pid, effect, reason: messageOf(failure), folder: import.meta.dirname });
      }
      return host;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

interface WaitingCall extends OpenCall {
  resolve(reply: HostReply): void;
}

async function startWith(command: HostCommand, parts: HostParts): Promise<DecoderHost> {
  const { clock, log, limits } = parts;
  const calls = new Map<number, WaitingCall>();
  const greeted = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let verdict: Verdict | undefined;
  /** Between its first word and the wish that it ends. */
  let serving = false;
  let dead = false;
  let watching: Disposable | undefined;
  let lastCall = 0;

  const settle = (id: number, reply: HostReply): void => {
    const call = calls.get(id);
    calls.delete(id);
    call?.resolve(reply);
  };
  const condemn = (why: Verdict): void => {
    verdict ??= why;
    pipe.kill();
  };
  /** A call that took so long may leave much memory behind: that must not be found under the next one, which may be anybody's. */
  const outgrownBy = (call: OpenCall | undefined): Verdict | undefined => {
    const nowMs = clock.monotonic();
    if (!call || nowMs - call.sinceMs < limits.watchMs) return undefined;
    return judgeHost([], parts.processes?.read(pipe.pid), nowMs, limits.hostRssBytes);
  };
  const onMessage = (message: FromHost, [body, printed]: readonly Uint8Array[]): void => {
    if (message.kind === "done") {
      const { call, cpuMs, heapBytes, failure } = message;
      const outgrown = outgrownBy(calls.get(call));
      if (outgrown) {
        condemn(outgrown);
        return;
      }
      const told = {
        cpuMs,
        ...(heapBytes === undefined ? {} : { heapBytes }),
        ...(printed ? { console: readPrinted(textOf(printed)) } : {}),
      };
      settle(
        call,
        failure ? { ok: false, ...failure, ...told, hostDied: false } : { ok: true, text: textOf(body), ...told },
      );
    } else if (message.ok) greeted.resolve();
    else greeted.reject(new MooringError("DECODER_UNAVAILABLE", message.message));
  };
  const onEnd = (how: string, stderr: string): void => {
    dead = true;
    watching?.[Symbol.dispose]();
    const why = verdict ?? { reason: "hostDied", message: `its host process ended (${how})` };
    greeted.reject(new MooringError("DECODER_UNAVAILABLE", `a decoder host did not start: ${how}`, { stderr }));
    if (serving) {
      log.warn("sandbox.hostDied", { pid: pipe.pid, how, ...why, stderr });
      parts.onDied();
    }
    for (const id of [...calls.keys()]) settle(id, { ok: false, ...why, cpuMs: 0, hostDied: true });
    ended.resolve();
  };
  const pipe = openHostPipe(command, {
    onMessage,
    onEnd,
    onNonsense: () => condemn({ reason: "hostDied", message: "its host process sent what is no answer" }),
  });

  const watch = (): void => {
    watching ??= clock.after(limits.watchMs, () => {
      watching = undefined;
      if (dead || calls.size === 0) return;
      const stat = parts.processes?.read(pipe.pid);
      const why = judgeHost(calls.values(), stat, clock.monotonic(), limits.hostRssBytes);
      if (why) condemn(why);
      else if (stat && stat.rssBytes > CROWDED * limits.hostRssBytes) parts.onCrowded?.();
      watch();
    });
  };
  const call = (head: ToHost & { readonly call: number }, wallMs: number, body: readonly (string | Uint8Array)[]) => {
    if (dead)
      return Promise.resolve<HostReply>({
        ok: false,
        reason: "hostDied",
        message: "its host is gone",
        cpuMs: 0,
        hostDied: true,
      });
    const reply = new Promise<HostReply>(resolve => {
      calls.set(head.call, { sinceMs: clock.monotonic(), wallMs, cpuFromMs: undefined, resolve });
    });
    pipe.send(head, body);
    watch();
    return reply;
  };
  const stop = async (): Promise<void> => {
    serving = false;
    pipe.kill();
    await ended.promise;
  };

  const patience = clock.after(limits.startMs, pipe.kill);
  try {
    await greeted.promise;
    serving = true;
  } catch (error) {
    await stop();
    throw error;
  } finally {
    patience[Symbol.dispose]();
  }
  return {
    pid: pipe.pid,
    command,
    strip: source => call({ kind: "strip", call: ++lastCall }, limits.stripWallMs, [source]),
    load: (message, source) => call({ kind: "load", call: ++lastCall, ...message }, limits.openWallMs, [source]),
    decode: (message, items, bytes) =>
      call({ kind: "decode", call: ++lastCall, ...message }, parts.wallMs, [items, bytes]),
    drop(decoder) {
      if (!dead) pipe.send({ kind: "drop", decoder });
    },
    [Symbol.asyncDispose]: stop,
  };
}
