/**
 * One error class, one table of codes. Callers switch on `code`, never on the text. Bad input from outside throws
 * {@link MooringError} and is answered once, at the edge, from {@link FAILURES}: `coap` to a device, `http` to a caller.
 * A broken invariant of our own is `assert` from node:assert and is loud.
 */
export const FAILURES = {
  // Input in general
  VALIDATION: { coap: "4.00", http: 422 }, // a member breaks a rule: details {field, rule}
  MALFORMED: { coap: "4.00", http: 400 }, // a body that cannot be read at all: no JSON, no UTF-8, cut short
  NOT_FOUND: { coap: "4.04", http: 404 }, // no such document, object or path
  DUPLICATE: { coap: "4.00", http: 409 }, // a name is taken: endpoint, external id, user
  CONFLICT: { coap: "4.09", http: 409 }, // it does not fit what is stored
  UNAUTHORIZED: { coap: "4.01", http: 401 }, // no login, or a wrong one
  FORBIDDEN: { coap: "4.03", http: 403 }, // the user lacks the role: details {permission}
  METHOD_NOT_ALLOWED: { coap: "4.05", http: 405 }, // the path is known, the method is not for it
  NOT_ACCEPTABLE: { coap: "4.06", http: 406 }, // what is there does not come in the form that is asked for
  TOO_LARGE: { coap: "4.13", http: 413 }, // a body, file or document past its limit
  RANGE_INVALID: { coap: "4.00", http: 416 }, // a part of a file past its end: details {length}
  TOO_MANY_REQUESTS: { coap: "4.29", http: 429 }, // too much of one caller; again later
  OVERLOADED: { coap: "5.03", http: 503 }, // too much of all callers; again later
  UNSUPPORTED: { coap: "5.01", http: 501 }, // understood, but not offered in this version
  CLOSED: { coap: "5.03", http: 503 }, // the part that was asked is being closed
  // Configuration
  CONFIG_INVALID: { coap: "5.00", http: 500 }, // an option that cannot be: details {option, rule}
  // CoAP
  MESSAGE_FORMAT: { coap: "4.00", http: 502 }, // bytes that are no CoAP message, or a message that cannot be written
  BLOCK_SIZE_INVALID: { coap: "4.00", http: 500 }, // a block option outside its range
  TRANSFER_TOO_LARGE: { coap: "4.13", http: 413 }, // a device's body is longer than allowed
  TRANSFER_FAILED: { coap: "4.08", http: 502 }, // blocks that do not make one body
  EXCHANGE_TIMEOUT: { coap: "5.04", http: 504 }, // the device did not answer
  EXCHANGE_RESET: { coap: "5.02", http: 502 }, // the device answered with Reset
  EXCHANGE_CANCELLED: { coap: "5.03", http: 503 }, // ended by us: the registration or the endpoint ended
  // LwM2M
  PATH_INVALID: { coap: "4.00", http: 422 }, // no path such as /3/0/1
  QUERY_INVALID: { coap: "4.00", http: 400 }, // a query of Register or Update that cannot be
  LWM2M_VERSION_UNSUPPORTED: { coap: "4.12", http: 422 }, // neither 1.0, 1.1 nor 1.2
  LINK_FORMAT_INVALID: { coap: "4.00", http: 400 }, // links that cannot be read (RFC 6690)
  TLV_INVALID: { coap: "4.00", http: 400 }, // these six: a payload that breaks its format
  CBOR_INVALID: { coap: "4.00", http: 400 },
  LWM2M_CBOR_INVALID: { coap: "4.00", http: 400 },
  SENML_INVALID: { coap: "4.00", http: 400 },
  JSON_INVALID: { coap: "4.00", http: 400 },
  TEXT_INVALID: { coap: "4.00", http: 400 },
  VALUE_TYPE: { coap: "4.00", http: 422 }, // a value that does not fit its resource's type
  CONTENT_FORMAT_UNSUPPORTED: { coap: "4.15", http: 415 }, // no codec, or one that cannot say it
  REGISTRATION_UNKNOWN: { coap: "4.04", http: 404 }, // no registration at this location, or not of this peer
  ENDPOINT_UNKNOWN: { coap: "4.03", http: 404 }, // a Register of an endpoint that no device was made for
  BOOTSTRAP_REFUSED: { coap: "4.00", http: 404 }, // a Bootstrap-Request of an endpoint that is not known, or not with what it proved
  DDF_INVALID: { coap: "4.00", http: 422 }, // an object file that breaks a rule, named with object and item
  // Secrets and secure transport
  SECRET_UNREADABLE: { coap: "5.00", http: 500 }, // stored under another secret key, or changed
  HANDSHAKE_INVALID: { coap: "4.00", http: 502 }, // DTLS handshake bytes that break a rule: details {message, field, rule, alert}
  CERTIFICATE_INVALID: { coap: "4.01", http: 422 }, // cannot be read, or is not to be trusted: details {rule}
  // Store
  DUPLICATE_KEY: { coap: "5.00", http: 409 }, // an _id or a unique key is taken
  STORE_FULL: { coap: "5.03", http: 503 }, // too much waits for the store; nothing was stored
  STORE_FAILED: { coap: "5.00", http: 500 }, // the engine failed; stored or not, nobody knows
  QUERY_UNSUPPORTED: { coap: "5.00", http: 500 }, // a query outside the language: a mistake of ours
  // Decoders and plugins
  DECODER_FAILED: { coap: "5.00", http: 502 }, // it threw, ran too long or gave no result
  DECODER_UNAVAILABLE: { coap: "5.03", http: 503 }, // it cannot run now
  DECODER_INVALID: { coap: "5.00", http: 422 }, // its manifest or source cannot be used
  PLUGIN_FAILED: { coap: "5.00", http: 502 }, // it threw, ran too long or gave no answer
  PLUGIN_INVALID: { coap: "5.00", http: 422 }, // it breaks the contract, or a name is taken
} as const satisfies Record<string, { readonly coap: string; readonly http: number }>;

export type FailureCode = keyof typeof FAILURES;

export class MooringError extends Error {
  override readonly name = "MooringError";
  readonly code: FailureCode;
  /** The values at hand: small, printable, no secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: FailureCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

export function isFailure(error: unknown, ...codes: readonly FailureCode[]): error is MooringError {
  return error instanceof MooringError && (codes.length === 0 || codes.includes(error.code));
}

/** Text of anything thrown, for a log line or a failure reason. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
