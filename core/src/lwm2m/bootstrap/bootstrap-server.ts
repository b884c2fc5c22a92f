/**
 * The bootstrap server (LwM2M Core 1.1.1 section 6.1): Bootstrap-Requests in, one session per device out. Sessions run beside each
 * other, so that a silent device holds up nobody; nothing of one is left when it is over. What it learns goes up through `up`.
 */
import { EMPTY_BYTES } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { MooringError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type BucketRate, createTokenBuckets } from "../../base/token-bucket.ts";
import { CODES, formatCode } from "../../coap/codes.ts";
import type { CoapEndpoint, EndpointParts } from "../../coap/endpoint.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import type { Peer } from "../../transport/transport.ts";
import { contentFormatName } from "../codecs/codec.ts";
import type { ResourceValue } from "../resource-value.ts";
import type { Lwm2mVersion } from "../version.ts";
import { readBootstrapRequest } from "../wire/bootstrap-wire.ts";
import type { BootstrapConfig } from "./bootstrap-config.ts";
import type { BootstrapFailure } from "./bootstrap-machine.ts";
import { runBootstrapSession, type SessionOrder, type SessionOutcome, writeFormatOf } from "./bootstrap-session.ts";
import { createRepeatedRequests } from "./repeated-requests.ts";

/** Whom a session is with. */
export interface SessionInfo {
  readonly endpoint: string;
  readonly tenant: string;
  readonly deviceId: string;
  readonly peer: Peer;
  /** Content-Format of what is written. */
  readonly contentFormat: number;
  /** As in the configuration. */
  readonly logLevel: BootstrapConfig["logLevel"];
}

export interface SessionReport extends SessionInfo {
  /** Of the device, as far as it showed. */
  readonly version: Lwm2mVersion | undefined;
  readonly readBack: readonly ResourceValue[];
}

/** The only way up. None but `config` is waited for; the others must be quick and must not throw. */
export interface BootstrapUp {
  /**
   * What a device is to be given. Undefined: it is not known, or not with what it proved; it is answered 4.00.
   * @param endpoint undefined where the request names none: the device is known by what it proved alone
   * @param preferredFormat [pct] Content-Format that the device asked for
   * @throws MooringError where the device's configuration cannot be used; it is answered from the failure's row
   */
  config(
    endpoint: string | undefined,
    peer: Peer,
    preferredFormat: number | undefined,
  ): Promise<BootstrapConfig | undefined>;
  started(session: SessionInfo): void;
  /** The device took the Finish. */
  ended(report: SessionReport): void;
  failed(session: SessionInfo, failure: BootstrapFailure): void;
}

export interface BootstrapOptions {
  /** Sessions at once; above it 5.03. */
  readonly maxSessions: number;
  /** Sessions begun or begun anew; above it 5.03. */
  readonly sessionRate: BucketRate;
  /** Limit of one request where the device has none of its own, ms. */
  readonly requestTimeoutMs: number;
}

export interface BootstrapServerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly options: BootstrapOptions;
  /** Called once; the endpoint may deliver from the next turn of the event loop on. */
  openEndpoint(upward: Pick<EndpointParts, "onRequest" | "onSuperseded">): CoapEndpoint;
  readonly up: BootstrapUp;
}

export interface BootstrapCounters {
  /** Bootstrap-Requests, repetitions included. */
  requests: number;
  /** Answered with an error. */
  refused: number;
  started: number;
  restarted: number;
  /** Repetitions that changed nothing. */
  ignored: number;
  ended: number;
  failed: number;
}

export interface BootstrapServer extends AsyncDisposable {
  readonly coap: CoapEndpoint;
  readonly counters: Readonly<BootstrapCounters>;
  /** Sessions that run. */
  readonly sessions: number;
  /** Ends the session of a device that is not to be served any more; it fails with `reason`. */
  cancel(endpoint: string, reason: string): void;
}

interface Session {
  order: SessionOrder;
  /** Of the present run. */
  controller: AbortController;
  restartedAtMs: number | undefined;
  readonly repeated: boolean;
}

const TAKEN: CoapResponse = Object.freeze({ code: CODES.CHANGED, payload: EMPTY_BYTES });
const RATE_KEY = "";

/** 5.03 with that Max-Age. */
const comeAgain = (reason: string, waitMs: number): MooringError =>
  new MooringError("OVERLOADED", reason, { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) });

const cancelled = (reason: string): MooringError => new MooringError("EXCHANGE_CANCELLED", reason);

function infoOf(order: SessionOrder): SessionInfo {
  const { endpoint, tenant, deviceId, logLevel } = order.config;
  return { endpoint, tenant, deviceId, logLevel, peer: order.peer, contentFormat: writeFormatOf(order) };
}

export function createBootstrapServer(parts: BootstrapServerParts): BootstrapServer {
  const { clock, log, options, up } = parts;
  const counters: BootstrapCounters = {
    requests: 0,
    refused: 0,
    started: 0,
    restarted: 0,
    ignored: 0,
    ended: 0,
    failed: 0,
  };
  /** By endpoint. */
  const sessions = new Map<string, Session>();
  /** Endpoint of the session that goes to a peer, by its key. */
  const byPeer = new Map<string, string>();
  const runs = new Set<Promise<void>>();
  const repeats = createRepeatedRequests(clock);
  const rate = createTokenBuckets(clock, options.sessionRate);
  let closed = false;
  const coap = parts.openEndpoint({ onRequest, onSuperseded });
  const sessionParts = { coap, clock, log, requestTimeoutMs: options.requestTimeoutMs };

  function add(session: Session): void {
    sessions.set(session.order.config.endpoint, session);
    byPeer.set(session.order.peer.key, session.order.config.endpoint);
  }

  function remove({ order: { config, peer } }: Session): void {
    sessions.delete(config.endpoint);
    if (byPeer.get(peer.key) === config.endpoint) byPeer.delete(peer.key);
  }

  function onSuperseded(from: Peer, to: Peer): void {
    const session = sessions.get(byPeer.get(from.key) ?? "");
    if (!session) return;
    remove(session);
    session.order.peer = to;
    add(session);
  }

  function end(session: Session, { failure, version, readBack }: SessionOutcome): void {
    const info = infoOf(session.order);
    const { endpoint } = info;
    remove(session);
    repeats.ended(endpoint, { repeated: session.repeated, failed: failure !== undefined });
    if (failure) {
      const { path, code, reason } = failure;
      counters.failed++;
      log.info("bootstrap.failed", { endpoint, path, ...(code !== undefined && { code: formatCode(code) }), reason });
      up.failed(info, failure);
      return;
    }
    counters.ended++;
    log.info("bootstrap.ended", { endpoint, peer: info.peer.key, version });
    up.ended({ ...info, version, readBack });
  }

  async function run(session: Session): Promise<void> {
    const { order, controller } = session;
    // The device listens only when the answer to its request has left.
    await new Promise<void>(resolve => void setImmediate(resolve));
    const outcome = await runBootstrapSession(sessionParts, order, controller.signal);
    // A run that was restarted has no say in how the session ends.
    if (session.controller === controller) end(session, outcome);
  }

  function follow(session: Session): void {
    const { controller } = session;
    const running = run(session).catch(error => {
      // A fault of ours; the session must not stay for ever.
      log.error("bootstrap.fault", { endpoint: session.order.config.endpoint, reason: messageOf(error) });
      if (session.controller === controller) remove(session);
    });
    runs.add(running);
    void running.then(() => runs.delete(running));
  }

  function begin(order: SessionOrder, repeated: boolean): CoapResponse {
    if (sessions.size >= options.maxSessions) {
      throw new MooringError("OVERLOADED", `${options.maxSessions} bootstrap sessions run already`);
    }
    const session: Session = { order, controller: new AbortController(), restartedAtMs: undefined, repeated };
    add(session);
    counters.started++;
    const info = infoOf(order);
    const { endpoint, peer, contentFormat } = info;
    log.info("bootstrap.started", { endpoint, peer: peer.key, format: contentFormatName(contentFormat) });
    up.started(info);
    follow(session);
    return TAKEN;
  }

  function restart(session: Session, order: SessionOrder): CoapResponse {
    const { endpoint } = order.config;
    counters.restarted++;
    log.info("bootstrap.restarted", { endpoint, peer: order.peer.key });
    const former = session.controller;
    remove(session);
    session.order = order;
    add(session);
    session.controller = new AbortController();
    session.restartedAtMs = clock.monotonic();
    former.abort(cancelled("the device has asked again"));
    follow(session);
    return TAKEN;
  }

  /** For whatever sends something to a device. */
  function takeTurn(): void {
    const waitMs = rate.take(RATE_KEY);
    if (waitMs > 0) throw comeAgain("too many bootstrap sessions begin at once", waitMs);
  }

  function take(order: SessionOrder): CoapResponse {
    const { endpoint } = order.config;
    const session = sessions.get(endpoint);
    const moved = session !== undefined && session.order.peer.key !== order.peer.key;
    const verdict = repeats.judge(endpoint, session && { moved, restartedAtMs: session.restartedAtMs });
    switch (verdict.kind) {
      case "begin":
        takeTurn();
        return begin(order, verdict.repeated);
      case "restart":
        takeTurn();
        return restart(session!, order);
      case "ignore":
        counters.ignored++;
        return TAKEN;
      case "wait":
        throw comeAgain("the last bootstrap sessions have failed", verdict.forMs);
    }
  }

  async function answer(request: CoapRequest, peer: Peer): Promise<CoapResponse> {
    const { endpoint, preferredFormat } = readBootstrapRequest(request);
    counters.requests++;
    const config = await up.config(endpoint, peer, preferredFormat);
    if (closed) throw new MooringError("CLOSED", "the host is stopping");
    if (!config) throw new MooringError("BOOTSTRAP_REFUSED", "this endpoint is not served, or not so");
    return take({ config, peer, preferredFormat });
  }

  function onRequest(request: CoapRequest, peer: Peer): Promise<CoapResponse> {
    return answer(request, peer).catch(error => {
      counters.refused++;
      throw error;
    });
  }

  return {
    coap,
    counters,
    get sessions() {
      return sessions.size;
    },
    cancel(endpoint, reason) {
      repeats.forget(endpoint);
      sessions.get(endpoint)?.controller.abort(cancelled(reason));
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const session of sessions.values())
        session.controller.abort(new MooringError("CLOSED", "the host is stopping"));
      await Promise.all(runs);
      await coap[Symbol.asyncDispose]();
    },
  };
}
