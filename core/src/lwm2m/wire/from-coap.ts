/** What a device asks of the server: method and path tables of LwM2M Transport 1.1.1 sections 6.4.3 and 6.4.5. Pure. */
import { MooringError } from "../../base/errors.ts";
import type { CoapRequest } from "../../coap/request.ts";
import { CONTENT_FORMAT, contentFormatName } from "../codecs/codec.ts";
import { type RegistrationQuery, readRegistrationQuery } from "./registration-query.ts";

/** Register (LwM2M Core 1.1.1 section 6.2.1). */
export interface RegisterRequest {
  readonly kind: "register";
  readonly query: RegistrationQuery;
  /** Link format; may be empty. */
  readonly links: Uint8Array;
}

/** Update (section 6.2.2): what is absent stays as it is. */
export interface UpdateRequest {
  readonly kind: "update";
  readonly registrationId: string;
  readonly query: RegistrationQuery;
  /** Undefined when the Update brings no links. */
  readonly links: Uint8Array | undefined;
}

/** De-register (section 6.2.3). */
export interface DeregisterRequest {
  readonly kind: "deregister";
  readonly registrationId: string;
}

/** Send (section 6.4.6), from LwM2M 1.1. */
export interface SendRequest {
  readonly kind: "send";
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}

export type DeviceRequest = RegisterRequest | UpdateRequest | DeregisterRequest | SendRequest;

function linksOf(request: CoapRequest): Uint8Array {
  const { contentFormat } = request;
  if (contentFormat !== undefined && contentFormat !== CONTENT_FORMAT.LINK && request.payload.length > 0) {
    throw new MooringError(
      "CONTENT_FORMAT_UNSUPPORTED",
      `the objects of a registration come as ${contentFormatName(CONTENT_FORMAT.LINK)}, not as ${contentFormatName(contentFormat)}`,
      { contentFormat },
    );
  }
  return request.payload;
}

function readSend(request: CoapRequest): SendRequest {
  if (request.contentFormat === undefined) {
    throw new MooringError("CONTENT_FORMAT_UNSUPPORTED", "Send needs a Content-Format");
  }
  return { kind: "send", contentFormat: request.contentFormat, payload: request.payload };
}

const methodRefused = (request: CoapRequest): MooringError =>
  new MooringError("METHOD_NOT_ALLOWED", `${request.method} is not for /${request.path.join("/")}`, {
    method: request.method,
  });

function readRegistrationRequest(request: CoapRequest, registrationId: string): DeviceRequest {
  switch (request.method) {
    case "DELETE":
      return { kind: "deregister", registrationId };
    // PUT was the Update of LwM2M drafts and is still sent by some clients.
    case "POST":
    case "PUT":
      return {
        kind: "update",
        registrationId,
        query: readRegistrationQuery(request.query),
        links: request.payload.length > 0 ? linksOf(request) : undefined,
      };
    default:
      throw methodRefused(request);
  }
}

/**
 * @throws MooringError NOT_FOUND for a path that is none of the server's, METHOD_NOT_ALLOWED, QUERY_INVALID (names the key),
 *         LWM2M_VERSION_UNSUPPORTED, CONTENT_FORMAT_UNSUPPORTED
 */
export function readDeviceRequest(request: CoapRequest): DeviceRequest {
  const { path } = request;
  // A slash at the end is an empty last segment.
  const length = path.at(-1) === "" ? path.length - 1 : path.length;
  if (path[0] === "rd" && length === 2) return readRegistrationRequest(request, path[1]!);
  if (path[0] === "rd" && length === 1) {
    if (request.method !== "POST") throw methodRefused(request);
    return { kind: "register", query: readRegistrationQuery(request.query), links: linksOf(request) };
  }
  if (path[0] === "dp" && length === 1) {
    if (request.method !== "POST") throw methodRefused(request);
    return readSend(request);
  }
  throw new MooringError("NOT_FOUND", `nothing at /${path.join("/")}`, { path: path.join("/") });
}
