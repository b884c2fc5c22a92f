/** A decoder that is a service behind HTTP: where it is, and what is to be said to it beside the payload. */
import { isIP } from "node:net";
import { MooringError } from "../../base/errors.ts";
import { compileSchema, type JsonSchema } from "../../base/schema.ts";
import { invalid } from "../../platform/body.ts";
import { notPublic } from "./address-guard.ts";

export interface RemoteService {
  /** Absolute, http or https, without query, fragment and credentials: payloads go to `<url>/decode`. */
  readonly url: string;
  /** Sent with each call, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Payloads that come close together go in one request. */
  readonly batch?: RemoteBatch;
}

export interface RemoteBatch {
  /** 2 to 50. */
  readonly maxItems: number;
  /** Below the URL; default `/decode/batch`. */
  readonly path?: string;
}

const MOST_BATCH_ITEMS = 50;
export const DEFAULT_BATCH_PATH = "/decode/batch";

const PATH = "^(/[A-Za-z0-9._~-]+)+$";

const remoteServiceSchema: JsonSchema = {
  type: "object",
  required: ["url"],
  additionalProperties: false,
  properties: {
    url: { type: "string", minLength: 1, maxLength: 1024 },
    headers: {
      type: "object",
      maxProperties: 20,
      propertyNames: { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$" },
      additionalProperties: { type: "string", maxLength: 8192 },
    },
    batch: {
      type: "object",
      required: ["maxItems"],
      additionalProperties: false,
      properties: {
        maxItems: { type: "integer", minimum: 2, maximum: MOST_BATCH_ITEMS },
        path: { type: "string", maxLength: 200, pattern: PATH, patternRule: "must be a path such as /decode/batch" },
      },
    },
  },
};

const checkShape = compileSchema<RemoteService>(remoteServiceSchema);

/** The contract's own, and those that say how the message is cut (RFC 9110, RFC 9112). */
const OWN_HEADERS = new Set([
  "accept",
  "connection",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Visible ASCII, blanks and tabs between: what every HTTP server takes (RFC 9110 section 5.5). */
const HEADER_VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

function checkUrl(text: string, field: string): void {
  if (!URL.canParse(text)) throw invalid(field, "must be an absolute URL");
  const { protocol, username, password, search, hash } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:") throw invalid(field, "must begin with http:// or https://");
  if (username !== "" || password !== "")
    throw invalid(field, "must hold no user and password: use headers.authorization");
  if (search !== "" || hash !== "" || /[?#]/.test(text)) throw invalid(field, "must have neither query nor fragment");
}

/**
 * What can be said before a call: names are resolved when a connection is made, and looked at then.
 * @throws MooringError VALIDATION for a URL with an address that is not public and not allowed
 */
export function checkAddress(service: RemoteService, allowedOrigins: readonly string[], field = "service"): void {
  const { hostname } = new URL(service.url);
  const address = hostname.replace(/^\[|\]$/g, "");
  const kind = isIP(address) === 0 || allowedOrigins.includes(originOf(service)) ? undefined : notPublic(address);
  if (kind !== undefined) {
    throw invalid(
      `${field}.url`,
      `must not be ${kind}, unless the operator names ${originOf(service)} in decoding.allowedOrigins`,
    );
  }
}

/**
 * @param field where it stands, for messages
 * @throws MooringError VALIDATION with `details {field, rule}`
 */
export function checkRemoteService(value: unknown, field = "service"): RemoteService {
  let service: RemoteService;
  try {
    service = checkShape(value);
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    const { field: inner, rule } = error.details as { field: string; rule: string };
    throw invalid(inner === "body" ? field : `${field}.${inner}`, rule);
  }
  checkUrl(service.url, `${field}.url`);
  for (const [name, text] of Object.entries(service.headers ?? {})) {
    if (OWN_HEADERS.has(name.toLowerCase())) throw invalid(`${field}.headers.${name}`, "is set by the host");
    if (!HEADER_VALUE.test(text))
      throw invalid(`${field}.headers.${name}`, "must be printable ASCII without blanks at its ends");
  }
  return service;
}

/** Scheme, host and port, as `https://decoder.example.com`. */
export const originOf = ({ url }: Pick<RemoteService, "url">): string => new URL(url).origin;

/** Where calls go: the path of the URL and the call's own. */
export const pathOf = ({ url }: Pick<RemoteService, "url">, call: string): string =>
  `${new URL(url).pathname.replace(/\/+$/, "")}${call}`;
