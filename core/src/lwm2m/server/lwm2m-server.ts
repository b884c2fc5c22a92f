/**
 * The LwM2M server: registration, observation and requests joined over a CoAP endpoint. Everything it learns goes up through `up`;
 * devices are answered when what must not be lost is stored.
 */
import { EMPTY_BYTES, encodeUtf8 } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { type FailureCode, isFailure, MooringError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { CODES, formatCode } from "../../coap/codes.ts";
import type { CoapEndpoint, EndpointParts } from "../../coap/endpoint.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import type { Store } from "../../store/store.ts";
import type { Peer } from "../../transport/transport.ts";
import { decodeCurrentPayload, decodePayload } from "../codecs/codec-table.ts";
import type { ModelView } from "../model/object-model.ts";
import { createObservationStore } from "../observation/observation-store.ts";
import { formatTarget } from "../observation/observation-target.ts";
import { createObservations, type DeviceNotification, type Observations } from "../observation/observations.ts";
import { createDeviceQueues, type DeviceQueues } from "../operations/device-queue.ts";
import type { RequestLimits } from "../operations/exchange.ts";
import { isReachable } from "../operations/presence.ts";
import { createDeviceRequests, type DeviceRequests } from "../operations/requests.ts";
import { type AdmissionOptions, createAdmission } from "../registration/admission.ts";
import { sameProof } from "../registration/peer-identity.ts";
import { endpointOf } from "../registration/register.ts";
import type { Registration } from "../registration/registration.ts";
import {
  type Admit,
  openRegistrations,
  type RegisterResult,
  type RegistrationOptions,
  type Registrations,
  type RemovalReason,
  type UpdateResult,
} from "../registration/registrations.ts";
import type { RegistrationChanges } from "../registration/update.ts";
import { type RegisterRequest, readDeviceRequest, type SendRequest } from "../wire/from-coap.ts";
import { withReports } from "./reporting-requests.ts";
import { sendKey } from "./send-key.ts";
import { createTraffic, type TrafficEntry } from "./traffic.ts";
import type { ValueBatch } from "./value-batch.ts";

/** The only way up. None but `admit` and `values` is waited for; they must be quick and must not throw. */
export interface Lwm2mUp {
  /** Undefined: the device is not known here, or not with what it proved; it is answered 4.03. */
  readonly admit: Admit;
  /** Stored; the device gets its 2.01 after this returns, so what is sent to it goes through the queue. */
  registered(registration: Registration, previous: Registration | undefined): void;
  updated(registration: Registration, changes: RegistrationChanges): void;
  deregistered(registration: Registration, reason: RemovalReason): void;
  /** Resolves when all that the values become is stored. */
  values(batch: ValueBatch): Promise<void>;
  /** An exchange with a device whose log level is VERBOSE. */
  traffic(entry: TrafficEntry): void;
  /** Something that keeps values of a device from coming. */
  trouble(trouble: DeviceTrouble): void;
}

export type DeviceTrouble = {
  readonly endpoint: string;
  /** For people. */
  readonly reason: string;
} & (
  | { readonly kind: "registerRefused"; readonly peer: Peer; readonly code: FailureCode }
  | { readonly kind: "undecodable"; readonly path: string }
  /** The device has ended an observation with an error, its CoAP code. */
  | { readonly kind: "observationEnded"; readonly path: string; readonly code: string }
);

export interface Lwm2mServerOptions extends RegistrationOptions, RequestLimits {
  readonly admission: AdmissionOptions;
  /** How long devices stay awake after a message where neither the device nor its settings say so, ms; 0: always online. */
  readonly awakeTimeMs: number;
  /** Most requests that wait for one device. */
  readonly maxJobsPerDevice: number;
  /** Whether the Content-Formats 1542 and 1543 of early devices are spoken (agent specification 10.2). */
  readonly supportDeprecatedContentFormat: boolean;
}

export interface Lwm2mServerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly options: Lwm2mServerOptions;
  /** Called once, when everything stored is loaded; the endpoint may deliver from the next turn of the event loop on. */
  openEndpoint(upward: Pick<EndpointParts, "onRequest" | "onSuperseded" | "patient">): CoapEndpoint;
  /** Object models in force for a device. */
  models(registration: Registration): ModelView;
  readonly up: Lwm2mUp;
  /** Answers requests below `/fw`: what devices fetch from the host. Absent: there is nothing. */
  files?(request: CoapRequest, peer: Peer, registrations: Pick<Registrations, "byDevice">): Promise<CoapResponse>;
}

export interface Lwm2mCounters {
  registers: number;
  updates: number;
  deregisters: number;
  expired: number;
  refused: number;
  /** Registers sent away to come back later, among those refused. */
  postponed: number;
  sends: number;
  notifications: number;
  /** Notifications whose payload no codec could read. */
  undecodable: number;
}

export interface Lwm2mServer extends AsyncDisposable {
  readonly coap: CoapEndpoint;
  readonly counters: Readonly<Lwm2mCounters>;
  readonly registrations: Registrations;
  readonly observations: Observations;
  /** Calls within a job of {@link queues}; the values of reads and observes also go up. */
  readonly requests: DeviceRequests;
  readonly queues: DeviceQueues;
  /** Registers that wait for their turn: while there are any, what can wait should. */
  readonly registersWaiting: number;
  /** Whether a request would be sent now rather than wait. */
  isReachable(registration: Registration): boolean;
}

/** First segment of the paths of what devices fetch. */
const FILES = "fw";
const UPDATED: CoapResponse = Object.freeze({ code: CODES.CHANGED, payload: EMPTY_BYTES });
/** Behind Updates and notifications when a herd of them comes. */
const REGISTERS = { method: "POST", path: "rd" } as const;
const POSTPONED = encodeUtf8("too many devices register");
const DELETED: CoapResponse = Object.freeze({ code: CODES.DELETED, payload: EMPTY_BYTES });

export async function createLwm2mServer(parts: Lwm2mServerParts): Promise<Lwm2mServer> {
  const { store, clock, random, log, options, up } = parts;
  const counters: Lwm2mCounters = {
    registers: 0,
    updates: 0,
    deregisters: 0,
    expired: 0,
    refused: 0,
    postponed: 0,
    sends: 0,
    notifications: 0,
    undecodable: 0,
  };
  const decode = options.supportDeprecatedContentFormat ? decodePayload : decodeCurrentPayload;
  await using opened = new AsyncDisposableStack();
  const loaded = await createObservationStore(store, options.node).all();
  const registrations = opened.use(await openRegistrations({ store, clock, random, log, options, onRemoved, onMoved }));
  // From here to the end nothing is awaited: no datagram and no timer comes before everything stands.
  const coap: CoapEndpoint = parts.openEndpoint({ onRequest, onSuperseded, patient: REGISTERS });
  const traffic = createTraffic({ registrationAt: registrations.byPeer, report: up.traffic });
  const traced = traffic.trace(coap);
  const received = (): number => coap.counters["datagramsReceived"] ?? 0;
  const admission = createAdmission({ clock, random, options: options.admission, received });
  const observations = opened.use(
    createObservations({
      coap: traced,
      store,
      clock,
      log,
      node: options.node,
      registration: registrations.byId,
      onNotification,
      onEnded({ endpoint }, target, code) {
        const answer = formatCode(code);
        const reason = `the device ended the observation with ${answer}`;
        up.trouble({ kind: "observationEnded", endpoint, path: formatTarget(target), code: answer, reason });
      },
    }),
  );
  opened.use(coap);
  const resumed = observations.resume(loaded);
  const plainRequests = createDeviceRequests({
    coap: traced,
    observations,
    clock,
    log,
    limits: options,
    deprecatedFormats: options.supportDeprecatedContentFormat,
    decode,
    heard: ({ id }) => registrations.seen(id),
    models: parts.models,
  });
  const requests = withReports({ requests: plainRequests, clock, random, values: up.values });
  const queues = opened.use(createDeviceQueues({ maxJobs: options.maxJobsPerDevice, reachable, repeat }));
  log.info("lwm2m.resumed", { registrations: registrations.size, observations: resumed });

  function awake(registration: Registration): boolean {
    return isReachable(registration, registrations.silentForMs(registration.id) ?? 0, options.awakeTimeMs);
  }

  function reachable(endpoint: string): Registration | undefined {
    const registration = registrations.byEndpoint(endpoint);
    return registration && awake(registration) ? registration : undefined;
  }

  function repeat(endpoint: string): void {
    const registration = registrations.byEndpoint(endpoint);
    if (registration) coap.repeatUnacknowledged(registration.peer);
  }

  function onRemoved(registration: Registration, reason: RemovalReason, replacement?: Registration): void {
    const { endpoint, id, peer } = registration;
    observations.drop(registration);
    requests.forget(id);
    if (reason === "replaced") queues.interrupt(endpoint, reason);
    else queues.clear(endpoint, reason);
    // Not on De-register: that request itself still waits for its answer.
    const peerIsGone = replacement ? replacement.peer.key !== peer.key : reason !== "deregister";
    if (peerIsGone && registrations.countAt(peer) === 0) coap.forgetPeer(peer);
    if (reason === "expired") counters.expired++;
    log.info("registration.ended", { endpoint, registrationId: id, reason });
    up.deregistered(registration, reason);
  }

  function onSuperseded(from: Peer, to: Peer): void {
    const endpoint = registrations.byPeer(from)?.endpoint;
    if (endpoint === undefined) return;
    registrations.movePeer(from, to);
    log.info("registration.moved", { endpoint, from: from.key, to: to.key });
  }

  function onMoved(from: Registration, to: Registration): void {
    coap.movePeer(from.peer, to.peer);
    log.info("registration.moved", { endpoint: to.endpoint, from: from.peer.key, to: to.peer.key });
  }

  async function onNotification(notification: DeviceNotification): Promise<void> {
    const { registration, peer, target, response, messageKey, receivedAtMs, letNextBegin } = notification;
    const { path, paths } = target;
    counters.notifications++;
    traffic.notified(registration, target, response);
    registrations.seen(registration.id, peer);
    queues.wake(registration.endpoint);
    let values: ValueBatch["values"];
    try {
      const { rootPath } = registration;
      const context = { path, rootPath, models: parts.models(registration), nowMs: receivedAtMs };
      values = decode(response.contentFormat, response.payload, context);
    } catch (error) {
      if (!isFailure(error)) throw error;
      // A repetition would not read any better, so it is acknowledged.
      counters.undecodable++;
      const { endpoint } = registration;
      const what = { endpoint, path: formatTarget(target), reason: error.message };
      log.warn("notification.undecodable", what);
      up.trouble({ kind: "undecodable", ...what });
      return;
    }
    const source = "NOTIFICATION";
    await up.values({
      registration,
      values,
      source,
      messageKey,
      requestPath: path,
      compositePaths: paths,
      receivedAtMs,
      letNextBegin,
    });
  }

  const admitStranger: Admit = async (endpoint, peer) => {
    const device = await up.admit(endpoint, peer);
    if (device) admission.takeOfTenant(device.tenant);
    return device;
  };

  function register(request: RegisterRequest, peer: Peer): CoapResponse | Promise<CoapResponse> {
    const live = registrations.byEndpoint(endpointOf(request.query, peer));
    const isKnown = live !== undefined && sameProof(live.peer, peer);
    const maxAgeSeconds = admission.take(peer, isKnown);
    if (maxAgeSeconds === 0) return registerNow(request, peer, isKnown);
    counters.refused++;
    counters.postponed++;
    return { code: CODES.SERVICE_UNAVAILABLE, maxAgeSeconds, payload: POSTPONED };
  }

  async function admitted(request: RegisterRequest, peer: Peer, isKnown: boolean): Promise<RegisterResult> {
    try {
      return await registrations.register(request, peer, isKnown ? up.admit : admitStranger);
    } catch (error) {
      if (isFailure(error)) {
        const { code, message: reason } = error;
        up.trouble({ kind: "registerRefused", endpoint: endpointOf(request.query, peer), peer, code, reason });
      }
      throw error;
    }
  }

  async function registerNow(request: RegisterRequest, peer: Peer, isKnown: boolean): Promise<CoapResponse> {
    const { registration, previous } = await admission.run(isKnown, () => admitted(request, peer, isKnown));
    const { id, endpoint } = registration;
    counters.registers++;
    log.info("registration.created", { endpoint, registrationId: id, peer: peer.key, version: registration.version });
    queues.wake(endpoint);
    up.registered(registration, previous);
    return { code: CODES.CREATED, locationPath: ["rd", id], payload: EMPTY_BYTES };
  }

  function updated({ registration, changes }: UpdateResult): CoapResponse {
    counters.updates++;
    queues.wake(registration.endpoint);
    up.updated(registration, changes);
    return UPDATED;
  }

  async function deregister(id: string, peer: Peer): Promise<CoapResponse> {
    await registrations.deregister(id, peer);
    counters.deregisters++;
    return DELETED;
  }

  async function send(asked: SendRequest, request: CoapRequest, peer: Peer): Promise<CoapResponse> {
    const registration = registrations.byPeer(peer) ?? registrations.follow(peer);
    if (!registration) throw new MooringError("REGISTRATION_UNKNOWN", "no registration for this peer");
    counters.sends++;
    registrations.seen(registration.id, peer);
    queues.wake(registration.endpoint);
    const receivedAtMs = clock.now();
    const { rootPath } = registration;
    const context = { path: [], rootPath, models: parts.models(registration), nowMs: receivedAtMs };
    const values = decode(asked.contentFormat, asked.payload, context);
    const messageKey = sendKey(registration.id, request, receivedAtMs, random);
    await up.values({ registration, values, source: "SEND", messageKey, requestPath: [], receivedAtMs });
    return UPDATED;
  }

  function answer(request: CoapRequest, peer: Peer): CoapResponse | Promise<CoapResponse> {
    const asked = readDeviceRequest(request);
    switch (asked.kind) {
      case "update": {
        const result = registrations.update(asked, peer);
        return result instanceof Promise ? result.then(updated) : updated(result);
      }
      case "register":
        return register(asked, peer);
      case "deregister":
        return deregister(asked.registrationId, peer);
      case "send":
        return send(asked, request, peer);
    }
  }

  function refuse(request: CoapRequest, peer: Peer, error: unknown): never {
    traffic.refused(request, peer, error);
    counters.refused++;
    if (isFailure(error, "OVERLOADED")) counters.postponed++;
    throw error;
  }

  async function answerLater(request: CoapRequest, peer: Peer, answered: Promise<CoapResponse>): Promise<CoapResponse> {
    let response: CoapResponse;
    try {
      response = await answered;
    } catch (error) {
      return refuse(request, peer, error);
    }
    traffic.answered(request, peer, response);
    return response;
  }

  /** Block by block: it keeps its device awake, and is no traffic that anybody wants to read. */
  function fetched(request: CoapRequest, peer: Peer): Promise<CoapResponse> | undefined {
    if (request.path[0] !== FILES || !parts.files) return undefined;
    const registration = registrations.byPeer(peer);
    if (registration) {
      registrations.seen(registration.id, peer);
      queues.wake(registration.endpoint);
    }
    return parts.files(request, peer, registrations);
  }

  function onRequest(request: CoapRequest, peer: Peer): CoapResponse | Promise<CoapResponse> {
    const file = fetched(request, peer);
    if (file) return file;
    try {
      const answered = answer(request, peer);
      if (answered instanceof Promise) return answerLater(request, peer, answered);
      traffic.answered(request, peer, answered);
      return answered;
    } catch (error) {
      return refuse(request, peer, error);
    }
  }

  const owned = opened.move();
  return {
    coap,
    counters,
    registrations,
    observations,
    requests,
    queues,
    get registersWaiting() {
      return admission.waiting + (coap.counters["requestsWaiting"] ?? 0);
    },
    isReachable: awake,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
