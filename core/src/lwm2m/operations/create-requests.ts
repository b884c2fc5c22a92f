/** The calls of requests.ts: method, path and format of each, and what the device's answer says. */
import { EMPTY_BYTES } from "../../base/bytes.ts";
import { CODES, formatCode } from "../../coap/codes.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import { codecFor, decodePayload } from "../codecs/codec-table.ts";
import { decodeDiscoverLinks } from "../codecs/link-format.ts";
import { onePath } from "../observation/observation-target.ts";
import { formatPath, isSecretObject, type Lwm2mPath, parsePath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import type { ResourceValue } from "../resource-value.ts";
import {
  type Content,
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
import { createCompositeRequests } from "./composite-requests.ts";
import { answerOf, assertVersion, createDeviceExchange, endEarlier } from "./device-exchange.ts";
import { patiently } from "./exchange.ts";
import { createFormatChoice } from "./format-choice.ts";
import { createdPath, encodeInstance } from "./new-instance.ts";
import type { CallOptions, DeviceAnswer, DeviceRequests, DeviceRequestsParts } from "./requests.ts";

const READ_REFUSALS: readonly number[] = [
  CODES.NOT_ACCEPTABLE,
  CODES.METHOD_NOT_ALLOWED,
  CODES.UNSUPPORTED_CONTENT_FORMAT,
];

function assertReachesBelowResource(registration: Registration, path: Lwm2mPath): void {
  if (path.length > 3) assertVersion(registration, "1.1", `resource instances (${formatPath(path)})`);
}

export function createDeviceRequests(parts: DeviceRequestsParts): DeviceRequests {
  const { clock, coap, log, observations } = parts;
  const choice = createFormatChoice(parts.deprecatedFormats);
  const exchange = createDeviceExchange(parts, choice);

  /** Encodes in `contentFormat`, else in the first of the formats that the device takes. */
  async function sendContent(
    registration: Registration,
    path: Lwm2mPath,
    values: readonly ResourceValue[],
    toRequest: (segments: readonly string[], content: Content) => CoapRequest,
    { contentFormat: forced, ...options }: CallOptions & { readonly contentFormat?: number },
  ): Promise<DeviceAnswer> {
    const context = exchange.contextOf(registration, path);
    const segments = segmentsOf(registration.rootPath, path);
    const encode = (contentFormat: number) => codecFor(contentFormat).encode(values, context);
    const send = (content: Content) => exchange.send(registration, toRequest(segments, content), options);
    const { response } = await (forced === undefined
      ? exchange.sendContent(registration, path, encode, send)
      : send({ contentFormat: forced, payload: encode(forced) }));
    return answerOf(response);
  }

  async function writeAttributes(
    registration: Registration,
    path: Lwm2mPath,
    attributes: NotificationAttributes,
    options: CallOptions = {},
  ): Promise<DeviceAnswer> {
    assertReachesBelowResource(registration, path);
    if (attributes.epmin !== undefined || attributes.epmax !== undefined) {
      assertVersion(registration, "1.1", "evaluation periods (epmin, epmax)");
    }
    const request = writeAttributesRequest(segmentsOf(registration.rootPath, path), attributes);
    return answerOf((await exchange.send(registration, request, options)).response);
  }

  /** Undefined: nothing that could be read, which is no fault of a request that asked for whatever comes. */
  function rawValues(
    registration: Registration,
    { method, path }: Pick<CoapRequest, "method" | "path">,
    { code, contentFormat, payload }: CoapResponse,
  ): readonly ResourceValue[] | undefined {
    if (code !== CODES.CONTENT || (method !== "GET" && method !== "FETCH")) return undefined;
    const root = segmentsOf(registration.rootPath, []);
    try {
      const below = parsePath(path.slice(root.length).join("/"));
      const values = decodePayload(contentFormat, payload, exchange.contextOf(registration, below));
      return values.filter(value => !isSecretObject(value.path[0]!));
    } catch {
      return undefined;
    }
  }

  return {
    ...createCompositeRequests({ exchange, observations, choice }),

    async read(registration, path, options = {}) {
      assertReachesBelowResource(registration, path);
      const segments = segmentsOf(registration.rootPath, path);
      const { response } = await exchange.withFormats(registration, path, READ_REFUSALS, accept =>
        exchange.send(registration, readRequest(segments, accept), options),
      );
      return exchange.valuesAnswer(registration, onePath(path), response);
    },

    async write(registration, path, values, { mode = "replace", ...options } = {}) {
      assertReachesBelowResource(registration, path);
      const target = mode === "partial" ? path.slice(0, 2) : path;
      const toRequest = (segments: readonly string[], content: Content) => writeRequest(segments, content, mode);
      return sendContent(registration, target, values, toRequest, options);
    },

    async upload(registration, path, body, { contentFormat, from: begin, onPosition, signal, ...options }) {
      const content = { contentFormat, payload: EMPTY_BYTES };
      const { payload: _streamed, ...request } = writeRequest(
        segmentsOf(registration.rootPath, path),
        content,
        "replace",
      );
      let from = begin;
      const { response } = await patiently(clock, Number.POSITIVE_INFINITY, signal, async () => {
        const response = await coap.upload(registration.peer, request, body, {
          ...options,
          ...(signal && { signal }),
          ...(from && { from }),
          async onPosition(position) {
            await onPosition?.(position);
            // Were it answered 5.03, the same message would be answered so for ever.
            const { messageId: _answered, ...again } = position;
            from = again;
          },
          onProgress: () => parts.heard(registration),
        });
        parts.heard(registration);
        return { response };
      });
      return answerOf(response);
    },

    async execute(registration, path, args, options = {}) {
      const request = executeRequest(segmentsOf(registration.rootPath, path), args);
      return answerOf((await exchange.send(registration, request, options)).response);
    },

    async discover(registration, path, options = {}) {
      assertReachesBelowResource(registration, path);
      const request = discoverRequest(segmentsOf(registration.rootPath, path));
      const { response } = await exchange.send(registration, request, options);
      const answer = answerOf(response, CODES.CONTENT);
      return { ...answer, links: answer.ok ? decodeDiscoverLinks(response.payload, registration.rootPath) : [] };
    },

    async observe(registration, path, { attributes, ...options } = {}) {
      assertReachesBelowResource(registration, path);
      const target = onePath(path);
      if (observations.find(registration.id, target)) await endEarlier(exchange, registration, target, options);
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
      return exchange.observe(registration, target, READ_REFUSALS, { ...options, ...(attributes && { attributes }) });
    },

    cancelObservation: async (registration, path, how, options = {}) =>
      exchange.cancel(registration, onePath(path), how, options),
    writeAttributes,

    async create(registration, objectId, values, { instanceId, ...options } = {}) {
      const context = exchange.contextOf(registration, [objectId]);
      const segments = segmentsOf(registration.rootPath, [objectId]);
      const encode = (contentFormat: number) => encodeInstance(contentFormat, values, instanceId, context);
      const send = (content: Content) => exchange.send(registration, createRequest(segments, content), options);
      const { response } = await exchange.sendContent(registration, [objectId], encode, send);
      return { ...answerOf(response), path: createdPath(registration, response) };
    },

    async delete(registration, path, options = {}) {
      assertReachesBelowResource(registration, path);
      const request = deleteRequest(segmentsOf(registration.rootPath, path));
      return answerOf((await exchange.send(registration, request, options)).response);
    },

    async raw(registration, { query = [], ...request }, options = {}) {
      const response = await coap.request(
        registration.peer,
        { ...request, query },
        exchange.within(registration, options),
      );
      parts.heard(registration);
      const values = rawValues(registration, request, response);
      return { ...response, ...(values && { values }) };
    },

    observed: ({ id }) => observations.of(id),
    forget: id => choice.forget(id),
  };
}
