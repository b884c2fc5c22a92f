/** What goes to and fro with devices whose log level asks for it (agent specification 15.2): whole exchanges, contents cut, no keys. */
import { decodeUtf8, EMPTY_BYTES, toHex } from "../../base/bytes.ts";
import { messageOf } from "../../base/errors.ts";
import { formatCode } from "../../coap/codes.ts";
import type { CoapEndpoint } from "../../coap/endpoint.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import type { Peer } from "../../transport/transport.ts";
import { contentFormatName } from "../codecs/codec.ts";
import { formatTarget, type ObservationTarget } from "../observation/observation-target.ts";
import type { Registration } from "../registration/registration.ts";

/** A payload as people read it. */
export interface TrafficContent {
  /** `TLV (11542)`; absent where the message named none. */
  readonly contentFormat?: string;
  /** Length of the whole, in bytes. */
  readonly bytes: number;
  /** Its beginning: as it is where it is text, else hexadecimal. Absent where it may hold keys. */
  readonly text?: string;
  readonly hex?: string;
}

export interface TrafficEntry {
  readonly registration: Registration;
  /** Who began. */
  readonly from: "device" | "host";
  /** `GET /3/0/9?pmin=5`, `NOTIFY /3303/0/5700` */
  readonly request: string;
  readonly content?: TrafficContent;
  /** `2.05`, or why there is no answer; absent for a notification, which has none. */
  readonly answer?: string;
  readonly answerContent?: TrafficContent;
}

export interface TrafficParts {
  /** Undefined: nobody that is registered. */
  registrationAt(peer: Peer): Registration | undefined;
  report(entry: TrafficEntry): void;
}

export interface Traffic {
  /** A request of a device has been answered. */
  answered(request: CoapRequest, peer: Peer, response: CoapResponse): void;
  refused(request: CoapRequest, peer: Peer, error: unknown): void;
  notified(registration: Registration, target: ObservationTarget, response: CoapResponse): void;
  /** The endpoint, its requests to devices noted. */
  trace(coap: CoapEndpoint): CoapEndpoint;
}

const MOST_BYTES = 256;
/** Security, OSCORE. */
const SECRET_OBJECTS: readonly (string | undefined)[] = ["0", "21"];

function contentOf(
  { contentFormat, payload }: Pick<CoapRequest, "contentFormat" | "payload">,
  isSecret: boolean,
): TrafficContent | undefined {
  if (payload.length === 0) return undefined;
  const format = contentFormat !== undefined && { contentFormat: contentFormatName(contentFormat) };
  const whole = { ...format, bytes: payload.length };
  if (isSecret) return whole;
  // Text may be cut in the middle of a character: then, and where it is none, bytes are shown.
  const shown = payload.subarray(0, MOST_BYTES);
  const text = decodeUtf8(shown);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what has control characters is no text to be read
  const isText = text !== undefined && !/[\u0000-\u0008\u000e-\u001f\u007f]/.test(text);
  return isText ? { ...whole, text } : { ...whole, hex: toHex(shown) };
}

const textOf = ({ method, path, query }: CoapRequest): string =>
  `${method} /${path.join("/")}${query.length > 0 ? `?${query.join("&")}` : ""}`;

/** @param root segments of the device's alternate path before the object */
const isSecretPath = (path: readonly string[], root: number): boolean => SECRET_OBJECTS.includes(path[root]);

const rootLength = ({ rootPath }: Registration): number => rootPath.split("/").filter(Boolean).length;

export function createTraffic({ registrationAt, report }: TrafficParts): Traffic {
  function verboseAt(peer: Peer): Registration | undefined {
    const registration = registrationAt(peer);
    return registration?.settings.logLevel === "VERBOSE" ? registration : undefined;
  }

  function tell(
    registration: Registration,
    from: TrafficEntry["from"],
    request: CoapRequest,
    answer: string,
    response?: CoapResponse,
  ): void {
    const isSecret = from === "host" && isSecretPath(request.path, rootLength(registration));
    const content = contentOf(request, isSecret);
    const answerContent = response && contentOf(response, isSecret);
    report({
      registration,
      from,
      request: textOf(request),
      answer,
      ...(content && { content }),
      ...(answerContent && { answerContent }),
    });
  }

  /** Notes an exchange that the host begins. */
  async function noted<T>(
    peer: Peer,
    request: CoapRequest,
    exchange: Promise<T>,
    responseOf: (result: T) => CoapResponse,
  ): Promise<T> {
    const registration = verboseAt(peer);
    if (!registration) return exchange;
    try {
      const result = await exchange;
      const response = responseOf(result);
      tell(registration, "host", request, formatCode(response.code), response);
      return result;
    } catch (error) {
      tell(registration, "host", request, messageOf(error));
      throw error;
    }
  }

  return {
    answered(request, peer, response) {
      const registration = verboseAt(peer);
      if (registration) tell(registration, "device", request, formatCode(response.code), response);
    },
    refused(request, peer, error) {
      const registration = verboseAt(peer);
      if (registration) tell(registration, "device", request, messageOf(error));
    },
    notified(registration, target, response) {
      if (registration.settings.logLevel !== "VERBOSE") return;
      const paths = target.paths ?? [target.path];
      const content = contentOf(
        response,
        paths.some(([objectId]) => SECRET_OBJECTS.includes(String(objectId))),
      );
      const request = `NOTIFY ${formatTarget(target)}`;
      report({ registration, from: "device", request, ...(content && { content }) });
    },
    trace: coap => ({
      ...coap,
      request: (peer, request, options) =>
        noted(peer, request, coap.request(peer, request, options), response => response),
      // The body is read as it leaves; what was sent is known by its length.
      upload: (peer, request, body, options) =>
        noted(
          peer,
          { ...request, payload: EMPTY_BYTES },
          coap.upload(peer, request, body, options),
          response => response,
        ),
      observe: (peer, request, onNotification, options) =>
        noted(peer, request, coap.observe(peer, request, onNotification, options), ({ response }) => response),
    }),
  };
}
