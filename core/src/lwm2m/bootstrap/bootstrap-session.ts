/** One bootstrap session on the wire: sends what the machine asks for, one request at a time, until it is done or has failed. */
import type { Clock } from "../../base/clock.ts";
import { isFailure, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { CoapEndpoint } from "../../coap/endpoint.ts";
import type { Peer } from "../../transport/transport.ts";
import { CONTENT_FORMAT } from "../codecs/codec.ts";
import { patiently } from "../operations/exchange.ts";
import type { ResourceValue } from "../resource-value.ts";
import type { Lwm2mVersion } from "../version.ts";
import type { BootstrapConfig } from "./bootstrap-config.ts";
import {
  type BootstrapEvent,
  type BootstrapFailure,
  type BootstrapPlan,
  type BootstrapStep,
  beginBootstrap,
  describeOutcome,
  judge,
  knownVersion,
  pathOfStep,
  stepBootstrap,
} from "./bootstrap-machine.ts";
import { eventOfAnswer, eventOfFailure, requestOf } from "./step-messages.ts";

/** What a device asked for, and what it is to be given. */
export interface SessionOrder {
  readonly config: BootstrapConfig;
  /** May be replaced while the session runs: what was on its way to the former one is asked again. */
  peer: Peer;
  /** [pct] */
  readonly preferredFormat: number | undefined;
}

export interface SessionParts {
  readonly coap: Pick<CoapEndpoint, "request">;
  readonly clock: Clock;
  readonly log: Log;
  /** Limit of one request where the device has none of its own, ms. */
  readonly requestTimeoutMs: number;
}

export interface SessionOutcome {
  /** Undefined: the Finish was answered 2.04. */
  readonly failure: BootstrapFailure | undefined;
  /** Of the device, as far as it showed. */
  readonly version: Lwm2mVersion | undefined;
  /** What was read back, in order. */
  readonly readBack: readonly ResourceValue[];
}

/** `pct`, else what is configured, else TLV, the one format that each client of LwM2M 1.0 has (field finding B8). */
export const writeFormatOf = ({ preferredFormat, config }: Pick<SessionOrder, "preferredFormat" | "config">): number =>
  preferredFormat ?? config.contentFormat ?? CONTENT_FORMAT.TLV;

/** The preferred format came with LwM2M 1.1 (Core 1.1.1 section 6.1.7.1). */
const planOf = ({ config, preferredFormat }: SessionOrder): BootstrapPlan => ({
  config,
  version: preferredFormat === undefined ? undefined : "1.1",
});

/**
 * Resolves when the session is over; never rejects.
 * @param signal aborted with a MooringError when the session is not wanted any more: its text becomes the reason of the failure
 */
export async function runBootstrapSession(
  { coap, clock, log, requestTimeoutMs }: SessionParts,
  order: SessionOrder,
  signal: AbortSignal,
): Promise<SessionOutcome> {
  const { config } = order;
  const contentFormat = writeFormatOf(order);
  const timeoutMs = config.requestTimeoutMs ?? requestTimeoutMs;
  const plan = planOf(order);

  async function ask(step: BootstrapStep): Promise<BootstrapEvent> {
    const { peer } = order;
    try {
      const request = requestOf(step, contentFormat, clock.now());
      const { response } = await patiently(clock, timeoutMs, signal, async leftMs => ({
        response: await coap.request(peer, request, { timeoutMs: Math.max(1, Math.round(leftMs)), signal }),
      }));
      return eventOfAnswer(step, response, clock.now());
    } catch (error) {
      if (signal.aborted) return { kind: "broken", reason: messageOf(signal.reason) };
      return isFailure(error, "EXCHANGE_CANCELLED") && order.peer !== peer ? ask(step) : eventOfFailure(error);
    }
  }

  function note(step: BootstrapStep, event: BootstrapEvent): void {
    const verdict = judge(step, event);
    const fields = { endpoint: config.endpoint, step: step.kind, path: pathOfStep(step) };
    const isTolerated = verdict === "tolerated" || verdict === "again";
    if (isTolerated) log.info("bootstrap.step-tolerated", { ...fields, reason: describeOutcome(step, event) });
    else if (log.enabled("debug")) log.debug("bootstrap.step", { ...fields, outcome: event.kind });
  }

  let { version } = plan;
  const readBack: ResourceValue[] = [];
  let state = beginBootstrap(plan);
  while (state.at === "discovering" || state.at === "asking") {
    const { step } = state;
    const event = await ask(step);
    note(step, event);
    if (event.kind === "answered") {
      version = knownVersion({ version }, event.discovered?.version);
      if (event.values) readBack.push(...event.values);
    }
    state = stepBootstrap(state, event, plan);
  }
  return { failure: state.at === "failed" ? state.failure : undefined, version, readBack };
}
