/**
 * The operations of LwM2M on one registered device, as typed calls (LwM2M Core 1.1.1 section 6.3, 6.4). Each is one exchange at a time by
 * the caller's care (device-queue.ts). A device's error code is an answer, not a rejection.
 */
import type { Clock } from "../../base/clock.ts";
import { MooringError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { CODES, EMPTY, formatCode, isSuccess } from "../../coap/codes.ts";
import type { CoapEndpoint, RequestOptions } from "../../coap/endpoint.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import type { CodecContext } from "../codecs/codec.ts";
import { codecFor, decodePayload } from "../codecs/codec-table.ts";
import { decodeDiscoverLinks, type ObjectLink } from "../codecs/link-format.ts";
import type { ModelView } from "../model/object-model.ts";
import type { Observations, ObservedPath } from "../observation/observations.ts";
import { formatPath, type Lwm2mPath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import type { ResourceValue } from "../resource-value.ts";
import { isAtLeast } from "../version.ts";
import {
  createRequest,
  deleteRequest,
  discoverRequest,
  executeRequest,
  type NotificationAttributes,
  readRequest,
  segmentsOf,
  writeAttributesRequest,
  writeRequest,
} from "../wire/to-coap.ts";
import { patiently, type RequestLimits, requestTimeoutOf } from "./exchange.ts";
import { createFormatChoice } from "./format-choice.ts";

export interface DeviceAnswer {
  /** The device's code, raw. */
  readonly code: number;
  /** Whether it is a success of this operation: 2.00, which some devices send, is none. */
  readonly ok: boolean;
  readonly contentFormat: number | undefined;
  /** Diagnostic text of an error, where the device sent one. */
  readonly text: string | undefined;
}

export interface ValuesAnswer extends DeviceAnswer {
  /** Decoded by the Content-Format that came; empty without success. */
  readonly values: readonly ResourceValue[];
}

export interface ObserveAnswer extends ValuesAnswer {
  /** False when the device took the request for a plain Read. */
  readonly kept: boolean;
}

export interface DiscoverAnswer extends DeviceAnswer {
  readonly links: readonly ObjectLink[];
}

export interface DeviceRequestsParts {
  readonly coap: CoapEndpoint;
  readonly observations: Observations;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: RequestLimits;
  /** The device answered. */
  heard(registration: Registration): void;
  models(registration: Registration): ModelView;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends CallOptions {
  /** PUT (default) or POST. */
  readonly mode?: "replace" | "partial";
}

export interface ObserveOptions extends CallOptions {
  /** Sent with Write-Attributes before the Observe. */
  readonly attributes?: NotificationAttributes;
}

/** All reject with EXCHANGE_TIMEOUT, EXCHANGE_RESET, EXCHANGE_CANCELLED, TRANSFER_FAILED, codec errors, or UNSUPPORTED before anything is sent. */
export interface DeviceRequests {
  read(registration: Registration, path: Lwm2mPath, options?: CallOptions): Promise<ValuesAnswer>;
  /** @param path that all values lie at or below */
  write(
    registration: Registration,
    path: Lwm2mPath,
    values: readonly ResourceValue[],
    options?: WriteOptions,
  ): Promise<DeviceAnswer>;
  /** @param args the argument text, empty for none */
  execute(registration: Registration, path: Lwm2mPath, args: string, options?: CallOptions): Promise<DeviceAnswer>;
  discover(registration: Registration, path: Lwm2mPath, options?: CallOptions): Promise<DiscoverAnswer>;
  /** An observation of the same path is cancelled first. */
  observe(registration: Registration, path: Lwm2mPath, options?: ObserveOptions): Promise<ObserveAnswer>;
  /**
   * With Observe 1 ("request"), or by forgetting, so that the next notification gets Reset; nothing is sent then and `code` is 0.00.
   * Undefined: not observed.
   */
  cancelObservation(
    registration: Registration,
    path: Lwm2mPath,
    how: "request" | "reset",
    options?: CallOptions,
  ): Promise<DeviceAnswer | undefined>;
  writeAttributes(
    registration: Registration,
    path: Lwm2mPath,
    attributes: NotificationAttributes,
    options?: CallOptions,
  ): Promise<DeviceAnswer>;
  /** @param values of the new instance; their paths name it */
  create(
    registration: Registration,
    objectId: number,
    values: readonly ResourceValue[],
    options?: CallOptions,
  ): Promise<DeviceAnswer>;
  delete(registration: Registration, path: Lwm2mPath, options?: CallOptions): Promise<DeviceAnswer>;
  observed(registration: Registration): readonly ObservedPath[];
  /** The registration has ended. */
  forget(registrationId: string): void;
}

const diagnostic = new TextDecoder("utf-8");

/** 2.00 has no meaning in CoAP; what a device means by it is not ours to guess. */
const NOTHING_SAID = 64;

export function createDeviceRequests(parts: DeviceRequestsParts): DeviceRequests {
  const { coap, clock, limits, log, observations } = parts;
  const choice = createFormatChoice();

  const contextOf = (registration: Registration, path: Lwm2mPath): CodecContext => ({
    path,
    models: parts.models(registration),
    nowMs: clock.now(),
  });

  function answerOf(response: CoapResponse, success?: number): DeviceAnswer {
    const { code, contentFormat, payload } = response;
    const ok = success === undefined ? isSuccess(code) && code !== NOTHING_SAID : code === success;
    return { code, ok, contentFormat, text: ok || payload.length === 0 ? undefined : diagnostic.decode(payload) };
  }

  function assertReachesBelowResource({ version }: Registration, path: Lwm2mPath): void {
    if (path.length < 4 || isAtLeast(version, "1.1")) return;
    throw new MooringError(
      "UNSUPPORTED",
      `resource instances (${formatPath(path)}) need LwM2M 1.1, the device has ${version}`,
      {
        path: formatPath(path),
        version,
      },
    );
  }

  /** The request options of one attempt. */
  const within = (leftMs: number, signal: AbortSignal | undefined): RequestOptions => ({
    timeoutMs: Math.max(1, Math.round(leftMs)),
    ...(signal && { signal }),
  });

  function send(
    registration: Registration,
    request: CoapRequest,
    { signal }: CallOptions,
  ): Promise<{ response: CoapResponse }> {
    return patiently(clock, requestTimeoutOf(registration, limits), signal, async leftMs => {
      const response = await coap.request(registration.peer, request, within(leftMs, signal));
      parts.heard(registration);
      return { response };
    });
  }

  /**
   * The first format, and when the device refuses it the next one, once; what helped is remembered for the registration.
   * @param refusals codes that may mean the format
   */
  async function withFormats<T extends { readonly response: CoapResponse }>(
    registration: Registration,
    path: Lwm2mPath,
    refusals: readonly number[],
    attempt: (contentFormat: number) => Promise<T>,
  ): Promise<T> {
    const [first, second] = choice.formats(registration, path);
    const answer = await attempt(first!);
    if (second === undefined || !refusals.includes(answer.response.code)) return answer;
    const other = await attempt(second);
    if (refusals.includes(other.response.code)) return answer;
    choice.refused(registration, first!);
    log.debug("device.format-refused", { endpoint: registration.endpoint, contentFormat: first, taken: second });
    return other;
  }

  function valuesAnswer(registration: Registration, path: Lwm2mPath, response: CoapResponse): ValuesAnswer {
    const answer = answerOf(response, CODES.CONTENT);
    if (!answer.ok) return { ...answer, values: [] };
    const values = decodePayload(response.contentFormat, response.payload, contextOf(registration, path));
    return { ...answer, values };
  }

  /** Encodes in the first of the formats that can say the values. */
  async function sendContent(
    registration: Registration,
    path: Lwm2mPath,
    values: readonly ResourceValue[],
    toRequest: (content: { contentFormat: number; payload: Uint8Array }) => CoapRequest,
    options: CallOptions,
  ): Promise<DeviceAnswer> {
    const context = contextOf(registration, path);
    const refusals = [CODES.UNSUPPORTED_CONTENT_FORMAT, CODES.NOT_ACCEPTABLE];
    const { response } = await withFormats(registration, path, refusals, contentFormat =>
      send(
        registration,
        toRequest({ contentFormat, payload: codecFor(contentFormat).encode(values, context) }),
        options,
      ),
    );
    return answerOf(response);
  }

  const READ_REFUSALS = [CODES.NOT_ACCEPTABLE, CODES.METHOD_NOT_ALLOWED, CODES.UNSUPPORTED_CONTENT_FORMAT];

  async function cancelObservation(
    registration: Registration,
    path: Lwm2mPath,
    how: "request" | "reset",
    { signal }: CallOptions = {},
  ): Promise<DeviceAnswer | undefined> {
    if (how === "reset") {
      const found = await observations.forget(registration, path);
      return found ? { code: EMPTY, ok: true, contentFormat: undefined, text: undefined } : undefined;
    }
    const response = await observations.cancel(
      registration,
      path,
      within(requestTimeoutOf(registration, limits), signal),
    );
    return response && answerOf(response);
  }

  async function writeAttributes(
    registration: Registration,
    path: Lwm2mPath,
    attributes: NotificationAttributes,
    options: CallOptions = {},
  ): Promise<DeviceAnswer> {
    assertReachesBelowResource(registration, path);
    const request = writeAttributesRequest(segmentsOf(registration.rootPath, path), attributes);
    return answerOf((await send(registration, request, options)).response);
  }

  return {
    async read(registration, path, options = {}) {
      assertReachesBelowResource(registration, path);
      const segments = segmentsOf(registration.rootPath, path);
      const { response } = await withFormats(registration, path, READ_REFUSALS, accept =>
        send(registration, readRequest(segments, accept), options),
      );
      return valuesAnswer(registration, path, response);
    },

    async write(registration, path, values, { mode = "replace", ...options } = {}) {
      assertReachesBelowResource(registration, path);
      const segments = segmentsOf(registration.rootPath, path);
      return sendContent(registration, path, values, content => writeRequest(segments, content, mode), options);
    },

    async execute(registration, path, args, options = {}) {
      const request = executeRequest(segmentsOf(registration.rootPath, path), args);
      return answerOf((await send(registration, request, options)).response);
    },

    async discover(registration, path, options = {}) {
      assertReachesBelowResource(registration, path);
      const request = discoverRequest(segmentsOf(registration.rootPath, path));
      const { response } = await send(registration, request, options);
      const answer = answerOf(response, CODES.CONTENT);
      return { ...answer, links: answer.ok ? decodeDiscoverLinks(response.payload, registration.rootPath) : [] };
    },

    async observe(registration, path, { attributes, ...options } = {}) {
      assertReachesBelowResource(registration, path);
      if (observations.find(registration.id, path)) await cancelObservation(registration, path, "request", options);
      if (attributes && Object.keys(attributes).length > 0) {
        const { ok, code } = await writeAttributes(registration, path, attributes, options);
        // The observation is worth having all the same, at the device's own pace.
        if (!ok)
          log.info("observation.attributes-refused", {
            endpoint: registration.endpoint,
            path: formatPath(path),
            code: formatCode(code),
          });
      }
      const timeoutMs = requestTimeoutOf(registration, limits);
      const { response, kept } = await withFormats(registration, path, READ_REFUSALS, accept =>
        patiently(clock, timeoutMs, options.signal, async leftMs => {
          const limit = within(leftMs, options.signal);
          const set = attributes && { attributes };
          const outcome = await observations.establish(registration, path, { accept, ...set, ...limit });
          parts.heard(registration);
          return outcome;
        }),
      );
      return { ...valuesAnswer(registration, path, response), kept };
    },

    cancelObservation,
    writeAttributes,

    async create(registration, objectId, values, options = {}) {
      const path = [objectId];
      const segments = segmentsOf(registration.rootPath, path);
      return sendContent(registration, path, values, content => createRequest(segments, content), options);
    },

    async delete(registration, path, options = {}) {
      const request = deleteRequest(segmentsOf(registration.rootPath, path));
      return answerOf((await send(registration, request, options)).response);
    },

    observed: ({ id }) => observations.of(id),
    forget: id => choice.forget(id),
  };
}
