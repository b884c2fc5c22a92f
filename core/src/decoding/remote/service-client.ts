/** Calls of one origin: an answer of JSON within a time and a size, or why there is none. */
import type { Pool } from "undici";
import { decodeUtf8 } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { isFailure, messageOf } from "../../base/errors.ts";
import type { Urgency } from "../../sandbox/decoder-runtime.ts";
import { createCallPlaces } from "./call-places.ts";
import { guardedConnect, type NoConnection, type Resolve } from "./guarded-connect.ts";

export interface CallLimits {
  /** Calls at the same time, each on a connection of its own. */
  readonly connections: number;
  /** From the first byte sent to the last one received. */
  readonly callMs: number;
  readonly connectMs: number;
  readonly responseBytes: number;
}

export const DEFAULT_CALL_LIMITS: CallLimits = {
  connections: 16,
  callMs: 2_000,
  connectMs: 1_500,
  responseBytes: 2 ** 20,
};

/**
 * Why a call gave nothing. address, unreachable: no connection. timeout; status: neither 2xx nor 3xx; redirect: 3xx, which is not
 * followed; tooLarge; closed: the connection ended within, or what came was no HTTP; notJson. dropped: it was not made, for it was not wanted
 * any more when its turn came.
 */
export type CallFault =
  | NoConnection["reason"]
  | "timeout"
  | "status"
  | "redirect"
  | "tooLarge"
  | "closed"
  | "notJson"
  | "dropped";

export type CallOutcome =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly fault: CallFault; readonly message: string };

export interface ServiceClient extends AsyncDisposable {
  /** Never rejects. Calls that are too many wait for their turn, live ones before others; then `isWanted` is asked. */
  ask(call: ServiceCall, isWanted: () => boolean, urgency?: Urgency): Promise<CallOutcome>;
}

export interface ServiceCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ServiceClientParts {
  readonly origin: string;
  readonly isAllowed: boolean;
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly limits: CallLimits;
  /** Default: from the package. */
  readonly loadLibrary?: () => Promise<Library>;
}

type Library = Pick<typeof import("undici"), "buildConnector" | "Pool">;

/** Below the five seconds after which many servers close. */
const KEEP_ALIVE_MS = 4_000;
/** Of an answer that counts for its status alone. */
const DUMPED_BYTES = 64 * 1024;

const failed = (fault: CallFault, message: string): CallOutcome => ({ ok: false, fault, message });

const DROPPED = failed("dropped", "it was not made");

/** What undici rejects with. */
function faultOf(error: unknown, { responseBytes }: CallLimits): CallOutcome {
  if (isFailure(error, "DECODER_UNAVAILABLE")) {
    return failed((error.details as unknown as NoConnection).reason, error.message);
  }
  const { code } = error as { readonly code?: unknown };
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return failed("tooLarge", `its answer is over ${responseBytes} bytes`);
  return failed("closed", `the connection ended before its answer: ${messageOf(error)}`);
}

/** The library is loaded for the first call: most hosts have no service. */
async function openPool(parts: ServiceClientParts): Promise<Pool> {
  const { origin, clock, limits, resolve, isAllowed, loadLibrary = () => import("undici") } = parts;
  const { buildConnector, Pool } = await loadLibrary();
  return new Pool(origin, {
    connections: limits.connections,
    pipelining: 1,
    connect: guardedConnect(buildConnector, { resolve, clock, timeoutMs: limits.connectMs, isAllowed }),
    maxResponseSize: limits.responseBytes,
    // The call's own limit is exact and covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  });
}

export function createServiceClient(parts: ServiceClientParts): ServiceClient {
  const { clock, limits } = parts;
  const places = createCallPlaces(limits.connections);
  let opened: Promise<Pool> | undefined;
  let closed = false;

  /** What could not be opened is tried again by the next call. */
  const open = (): Promise<Pool> => {
    opened ??= openPool(parts).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };

  const read = async ({ statusCode, body }: Awaited<ReturnType<Pool["request"]>>): Promise<CallOutcome> => {
    if (statusCode < 200 || statusCode >= 300) {
      await body.dump({ limit: DUMPED_BYTES }).catch(() => {});
      if (statusCode >= 300 && statusCode < 400) {
        return failed("redirect", `it answered ${statusCode}: redirects are not followed`);
      }
      return failed("status", `it answered ${statusCode}`);
    }
    const text = decodeUtf8(await body.bytes());
    if (text === undefined) return failed("notJson", "its answer is no UTF-8");
    try {
      return { ok: true, body: JSON.parse(text) };
    } catch (error) {
      return failed("notJson", `its answer is no JSON: ${messageOf(error)}`);
    }
  };
  const make = async (pool: Pool, call: ServiceCall): Promise<CallOutcome> => {
    const giveUp = new AbortController();
    using _ = clock.after(limits.callMs, () => giveUp.abort());
    // A server may close a connection that was idle in the very moment in which it is used again: that is nobody's fault.
    for (let isFirst = true; ; isFirst = false) {
      let hasAnswered = false;
      try {
        const answer = await pool.request({ ...call, signal: giveUp.signal });
        hasAnswered = true;
        return await read(answer);
      } catch (error) {
        if (giveUp.signal.aborted) return failed("timeout", `no whole answer within ${limits.callMs} ms`);
        const outcome = faultOf(error, limits);
        if (!isFirst || hasAnswered || outcome.ok || outcome.fault !== "closed") return outcome;
      }
    }
  };
  const begin = async (call: ServiceCall, isWanted: () => boolean): Promise<CallOutcome> => {
    const isDropped = (): boolean => closed || !isWanted();
    if (isDropped()) return DROPPED;
    let pool: Pool;
    try {
      pool = await open();
    } catch (error) {
      return failed("unreachable", `the HTTP client cannot be loaded: ${messageOf(error)}`);
    }
    return isDropped() ? DROPPED : make(pool, call);
  };
  return {
    async ask(call, isWanted, urgency = "live") {
      await places.take(urgency);
      try {
        return await begin(call, isWanted);
      } finally {
        places.giveBack(urgency);
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      const pool = await opened?.catch(() => undefined);
      await pool?.destroy();
    },
  };
}
