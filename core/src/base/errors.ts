/**
 * One error class, one table of codes. Callers switch on `code`, never on the text. Bad input from outside throws
 * {@link MooringError} and is answered once, at the edge, from {@link FAILURES}: `coap` to a device, `http` to a caller.
 * A broken invariant of our own is `assert` from node:assert and is loud.
 */
export const FAILURES = {
  // Input in general
  VALIDATION: { coap: "4.00", http: 422 },
  MALFORMED: { coap: "4.00", http: 400 },
  NOT_FOUND: { coap: "4.04", http: 404 },
  DUPLICATE: { coap: "4.00", http: 409 },
  CONFLICT: { coap: "4.09", http: 409 },
  UNAUTHORIZED: { coap: "4.01", http: 401 },
  FORBIDDEN: { coap: "4.03", http: 403 },
  METHOD_NOT_ALLOWED: { coap: "4.05", http: 405 },
  TOO_LARGE: { coap: "4.13", http: 413 },
  TOO_MANY_REQUESTS: { coap: "4.29", http: 429 },
  OVERLOADED: { coap: "5.03", http: 503 },
  UNSUPPORTED: { coap: "5.01", http: 501 },
  CLOSED: { coap: "5.03", http: 503 },
  // Configuration
  CONFIG_INVALID: { coap: "5.00", http: 500 },
  // CoAP
  MESSAGE_FORMAT: { coap: "4.00", http: 502 },
  BLOCK_SIZE_INVALID: { coap: "4.00", http: 500 },
  TRANSFER_TOO_LARGE: { coap: "4.13", http: 413 },
  TRANSFER_FAILED: { coap: "4.08", http: 502 },
  EXCHANGE_TIMEOUT: { coap: "5.04", http: 504 },
  EXCHANGE_RESET: { coap: "5.02", http: 502 },
  EXCHANGE_CANCELLED: { coap: "5.03", http: 503 },
  // LwM2M
  PATH_INVALID: { coap: "4.00", http: 422 },
  QUERY_INVALID: { coap: "4.00", http: 400 },
  LWM2M_VERSION_UNSUPPORTED: { coap: "4.12", http: 422 },
  LINK_FORMAT_INVALID: { coap: "4.00", http: 400 },
  TLV_INVALID: { coap: "4.00", http: 400 },
  CBOR_INVALID: { coap: "4.00", http: 400 },
  SENML_INVALID: { coap: "4.00", http: 400 },
  JSON_INVALID: { coap: "4.00", http: 400 },
  TEXT_INVALID: { coap: "4.00", http: 400 },
  VALUE_TYPE: { coap: "4.00", http: 422 },
  CONTENT_FORMAT_UNSUPPORTED: { coap: "4.15", http: 415 },
  REGISTRATION_UNKNOWN: { coap: "4.04", http: 404 },
  ENDPOINT_UNKNOWN: { coap: "4.03", http: 404 },
  DDF_INVALID: { coap: "4.00", http: 422 },
  // Store
  DUPLICATE_KEY: { coap: "5.00", http: 409 },
  STORE_FULL: { coap: "5.03", http: 503 },
  STORE_FAILED: { coap: "5.00", http: 500 },
  QUERY_UNSUPPORTED: { coap: "5.00", http: 500 },
  // Decoders and plugins
  DECODER_FAILED: { coap: "5.00", http: 502 },
  DECODER_UNAVAILABLE: { coap: "5.03", http: 503 },
  DECODER_INVALID: { coap: "5.00", http: 422 },
  PLUGIN_INVALID: { coap: "5.00", http: 422 },
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
