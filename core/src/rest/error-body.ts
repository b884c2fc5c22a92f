/** What a failed request is answered with: `{error, message, info}` (platform API 2.3). */
import { FAILURES, type FailureCode, isFailure, type MooringError } from "../base/errors.ts";

/** First part of a path to the first half of `error`. */
const RESOURCES: Readonly<Record<string, string>> = {
  inventory: "inventory",
  identity: "identity",
  measurement: "measurement",
  alarm: "alarm",
  event: "event",
  devicecontrol: "devicecontrol",
  user: "users",
  tenant: "tenant",
  service: "lwm2m",
};

/** Second half of `error` by code; `*` stands for the resource. The rest is named by status. */
const NAMES: Readonly<Partial<Record<FailureCode, string>>> = {
  VALIDATION: "undefined/validationError",
  UNAUTHORIZED: "security/Unauthorized",
  FORBIDDEN: "security/Forbidden",
  DUPLICATE: "*/Duplicate",
  CONFLICT: "*/conflict",
};

const BY_STATUS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "conflict",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  422: "Invalid Data",
  429: "Too Many Requests",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

export interface ErrorAnswer {
  readonly status: number;
  readonly body: {
    readonly error: string;
    readonly message: string;
    readonly info: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

function resourceOf(path: string): string {
  const [, first = "", second] = path.split("/", 3);
  return (first === "tenant" && second === "options" ? "options" : RESOURCES[first]) ?? "general";
}

function nameOf(code: FailureCode, path: string): string {
  const resource = resourceOf(path);
  const known = NAMES[code];
  if (known) return known.replace("*", resource);
  return `${resource}/${BY_STATUS[FAILURES[code].http] ?? "Internal Server Error"}`;
}

/** Faults of ours say nothing about the inside; those of the caller name field and rule, or what was counted. */
function answerOf(error: MooringError, path: string, origin: string): ErrorAnswer {
  const status = FAILURES[error.code].http;
  const { field, rule, counts } = error.details;
  return {
    status,
    body: {
      error: nameOf(error.code, path),
      message: status === 500 ? "The request failed inside the server; see its log" : error.message,
      info: `${origin}/errors#${error.code}`,
      ...(status < 500 && field !== undefined ? { details: { field, rule } } : {}),
      ...(counts === undefined ? {} : { details: { counts } }),
    },
  };
}

/**
 * @param path   of the request, for the first half of `error`
 * @param origin of the request, for `info`
 */
export function errorAnswer(error: unknown, path: string, origin: string): ErrorAnswer {
  if (isFailure(error)) return answerOf(error, path, origin);
  return {
    status: 500,
    body: {
      error: `${resourceOf(path)}/Internal Server Error`,
      message: "The request failed inside the server; see its log",
      info: `${origin}/errors`,
    },
  };
}
