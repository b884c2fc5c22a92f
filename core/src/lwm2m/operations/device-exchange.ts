/** What the requests to a device have in common: its time limit, the choice of format, its answer read. */
import { isFailure, MooringError } from "../../base/errors.ts";
import { CODES, EMPTY, isSuccess } from "../../coap/codes.ts";
import type { RequestOptions } from "../../coap/endpoint.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import type { CodecContext } from "../codecs/codec.ts";
import type { ObservationTarget } from "../observation/observation-target.ts";
import type { Lwm2mPath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import { isAtLeast, type Lwm2mVersion } from "../version.ts";
import type { Content } from "../wire/to-coap.ts";
import { patiently, requestTimeoutOf } from "./exchange.ts";
import type { FormatChoice, FormatUse } from "./format-choice.ts";
import type {
  CallOptions,
  CancelMethod,
  DeviceAnswer,
  DeviceRequestsParts,
  ObserveAnswer,
  ObserveOptions,
  ValuesAnswer,
} from "./requests.ts";

export interface DeviceExchange {
  contextOf(registration: Registration, path: Lwm2mPath): CodecContext;
  /** The request options of one attempt. */
  within(registration: Registration, options: CallOptions): RequestOptions;
  send(registration: Registration, request: CoapRequest, options: CallOptions): Promise<{ response: CoapResponse }>;
  /**
   * The first format, and when the device refuses it the next one, once; what helped is remembered for the registration.
   * @param refusals codes that may mean the format
   */
  withFormats<T extends { readonly response: CoapResponse }>(
    registration: Registration,
    use: FormatUse,
    refusals: readonly number[],
    attempt: (contentFormat: number) => Promise<T>,
  ): Promise<T>;
  /**
   * The same for what is sent with a body: formats that cannot say it are passed over.
   * @param encode throws CONTENT_FORMAT_UNSUPPORTED where the format cannot
   * @throws MooringError CONTENT_FORMAT_UNSUPPORTED of the best format where no format can
   */
  sendContent<T extends { readonly response: CoapResponse }>(
    registration: Registration,
    use: FormatUse,
    encode: (contentFormat: number) => Uint8Array,
    attempt: (content: Content) => Promise<T>,
  ): Promise<T>;
  /** @throws MooringError of the codec that the answer names */
  valuesAnswer(registration: Registration, target: ObservationTarget, response: CoapResponse): ValuesAnswer;
  /** @param refusals as for {@link withFormats} */
  observe(
    registration: Registration,
    target: ObservationTarget,
    refusals: readonly number[],
    options: ObserveOptions,
  ): Promise<ObserveAnswer>;
  cancel(
    registration: Registration,
    target: ObservationTarget,
    how: CancelMethod,
    options: CallOptions,
  ): Promise<DeviceAnswer | undefined>;
}

const diagnostic = new TextDecoder("utf-8");

/** 2.00 has no meaning in CoAP; what a device means by it is not ours to guess. */
const NOTHING_SAID = 64;
/** Security and OSCORE: no composite answer shows them, whatever the device puts into it (LwM2M Core 1.1.1 section 6.3.8). */
const HIDDEN_OBJECTS: readonly (number | undefined)[] = [0, 21];

/** What may mean the format of a body, or that of its answer. 4.05 means the operation. */
export const CONTENT_REFUSALS: readonly number[] = [CODES.UNSUPPORTED_CONTENT_FORMAT, CODES.NOT_ACCEPTABLE];

interface Candidate {
  readonly contentFormat: number;
}

/** @throws MooringError CONTENT_FORMAT_UNSUPPORTED where none of the formats can say it */
function* contentsOf(formats: readonly number[], encode: (contentFormat: number) => Uint8Array): Generator<Content> {
  let refusal: unknown;
  let able = false;
  for (const contentFormat of formats) {
    let payload: Uint8Array;
    try {
      payload = encode(contentFormat);
    } catch (error) {
      if (!isFailure(error, "CONTENT_FORMAT_UNSUPPORTED")) throw error;
      refusal ??= error;
      continue;
    }
    able = true;
    yield { contentFormat, payload };
  }
  if (!able) throw refusal;
}

/** @param success the one code that is a success of the operation; default: any of 2.xx but 2.00 */
export function answerOf({ code, contentFormat, payload }: CoapResponse, success?: number): DeviceAnswer {
  const ok = success === undefined ? isSuccess(code) && code !== NOTHING_SAID : code === success;
  return { code, ok, contentFormat, text: ok || payload.length === 0 ? undefined : diagnostic.decode(payload) };
}

/** Ends an observation that a new one takes the place of: under no given names, as it is not there any more when the call is made again. */
export const endEarlier = (
  exchange: DeviceExchange,
  registration: Registration,
  target: ObservationTarget,
  { names: _names, ...options }: CallOptions,
): Promise<DeviceAnswer | undefined> => exchange.cancel(registration, target, "request", options);

/** @throws MooringError UNSUPPORTED */
export function assertVersion({ version }: Registration, minimum: Lwm2mVersion, what: string): void {
  if (isAtLeast(version, minimum)) return;
  throw new MooringError("UNSUPPORTED", `${what} need LwM2M ${minimum}, the device has ${version}`, {
    version,
    minimum,
  });
}

export function createDeviceExchange(parts: DeviceRequestsParts, choice: FormatChoice): DeviceExchange {
  const { coap, clock, limits, log, observations } = parts;

  const attemptWithin = (leftMs: number, { signal, names }: CallOptions): RequestOptions => ({
    timeoutMs: Math.max(1, Math.round(leftMs)),
    ...(signal && { signal }),
    ...(names && { names }),
  });

  async function withCandidates<C extends Candidate, T extends { readonly response: CoapResponse }>(
    registration: Registration,
    use: FormatUse,
    refusals: readonly number[],
    candidates: Iterator<C>,
    attempt: (candidate: C) => Promise<T>,
  ): Promise<T> {
    const first: C = candidates.next().value;
    const answer = await attempt(first);
    if (!refusals.includes(answer.response.code)) return answer;
    const second = candidates.next();
    if (second.done) return answer;
    const other = await attempt(second.value);
    if (refusals.includes(other.response.code)) return answer;
    choice.refused(registration, use, first.contentFormat);
    log.debug("device.format-refused", {
      endpoint: registration.endpoint,
      contentFormat: first.contentFormat,
      taken: second.value.contentFormat,
    });
    return other;
  }

  const exchange: DeviceExchange = {
    contextOf: (registration, path) => ({
      path,
      rootPath: registration.rootPath,
      writesRoot: isAtLeast(registration.version, "1.2"),
      models: parts.models(registration),
      nowMs: clock.now(),
    }),

    within: (registration, options) => attemptWithin(requestTimeoutOf(registration, limits), options),

    send(registration, request, options) {
      return patiently(clock, requestTimeoutOf(registration, limits), options.signal, async leftMs => {
        const response = await coap.request(registration.peer, request, attemptWithin(leftMs, options));
        parts.heard(registration);
        return { response };
      });
    },

    withFormats(registration, use, refusals, attempt) {
      const candidates = choice.formats(registration, use).map(contentFormat => ({ contentFormat }));
      const one = ({ contentFormat }: Candidate) => attempt(contentFormat);
      return withCandidates(registration, use, refusals, candidates.values(), one);
    },

    sendContent(registration, use, encode, attempt) {
      const candidates = contentsOf(choice.formats(registration, use), encode);
      return withCandidates(registration, use, CONTENT_REFUSALS, candidates, attempt);
    },

    valuesAnswer(registration, { path, paths }, response) {
      const answer = answerOf(response, CODES.CONTENT);
      if (!answer.ok) return { ...answer, values: [] };
      const context = exchange.contextOf(registration, path);
      const values = parts.decode(response.contentFormat, response.payload, context);
      const shown = paths ? values.filter(value => !HIDDEN_OBJECTS.includes(value.path[0])) : values;
      return { ...answer, values: shown };
    },

    async observe(registration, target, refusals, { attributes, offerAfter, ...options }) {
      const timeoutMs = requestTimeoutOf(registration, limits);
      const set = { ...(attributes && { attributes }), ...(offerAfter && { offerAfter }) };
      const use = target.paths ? "answer" : target.path;
      const { response, kept, saved } = await exchange.withFormats(registration, use, refusals, accept => {
        const listFormat = target.paths && { listFormat: choice.listFormat(registration, accept) };
        return patiently(clock, timeoutMs, options.signal, async leftMs => {
          const limit = attemptWithin(leftMs, options);
          const outcome = await observations.establish(registration, target, {
            accept,
            ...listFormat,
            ...set,
            ...limit,
          });
          parts.heard(registration);
          return outcome;
        });
      });
      return { ...exchange.valuesAnswer(registration, target, response), kept, saved };
    },

    async cancel(registration, target, how, options) {
      if (how === "reset") {
        const found = await observations.forget(registration, target);
        return found ? { code: EMPTY, ok: true, contentFormat: undefined, text: undefined } : undefined;
      }
      const response = await observations.cancel(registration, target, exchange.within(registration, options));
      if (response) parts.heard(registration);
      return response && answerOf(response);
    },
  };
  return exchange;
}
