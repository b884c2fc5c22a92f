/** Method and response codes as a table (RFC 7252 section 12.1, RFC 7959 section 6, RFC 8132 section 6, RFC 8516). */
import { MooringError } from "../base/errors.ts";
import type { Method } from "./request.ts";

/** `c.dd` as the number on the wire: class in the upper 3 bits, detail in the lower 5. */
export const code = (codeClass: number, detail: number): number => codeClass * 32 + detail;

export const EMPTY = 0;

export const METHODS = {
  GET: code(0, 1),
  POST: code(0, 2),
  PUT: code(0, 3),
  DELETE: code(0, 4),
  FETCH: code(0, 5),
  PATCH: code(0, 6),
  IPATCH: code(0, 7),
} as const satisfies Record<Method, number>;

const METHOD_NAMES: readonly (Method | undefined)[] = (() => {
  const names: (Method | undefined)[] = new Array(32).fill(undefined);
  for (const [name, number] of Object.entries(METHODS)) names[number] = name as Method;
  return names;
})();

/** The method of a request code, or undefined for one that is not known here (answered 4.05, RFC 7252 section 5.8). */
export const methodOf = (requestCode: number): Method | undefined => METHOD_NAMES[requestCode];

export const CODES = {
  CREATED: code(2, 1),
  DELETED: code(2, 2),
  VALID: code(2, 3),
  CHANGED: code(2, 4),
  CONTENT: code(2, 5),
  CONTINUE: code(2, 31),
  BAD_REQUEST: code(4, 0),
  UNAUTHORIZED: code(4, 1),
  BAD_OPTION: code(4, 2),
  FORBIDDEN: code(4, 3),
  NOT_FOUND: code(4, 4),
  METHOD_NOT_ALLOWED: code(4, 5),
  NOT_ACCEPTABLE: code(4, 6),
  REQUEST_ENTITY_INCOMPLETE: code(4, 8),
  CONFLICT: code(4, 9),
  PRECONDITION_FAILED: code(4, 12),
  REQUEST_ENTITY_TOO_LARGE: code(4, 13),
  UNSUPPORTED_CONTENT_FORMAT: code(4, 15),
  UNPROCESSABLE_ENTITY: code(4, 22),
  TOO_MANY_REQUESTS: code(4, 29),
  INTERNAL_SERVER_ERROR: code(5, 0),
  NOT_IMPLEMENTED: code(5, 1),
  BAD_GATEWAY: code(5, 2),
  SERVICE_UNAVAILABLE: code(5, 3),
  GATEWAY_TIMEOUT: code(5, 4),
  PROXYING_NOT_SUPPORTED: code(5, 5),
} as const;

const codeClass = (messageCode: number): number => messageCode >> 5;

/** True for 2.xx. */
export const isSuccess = (messageCode: number): boolean => codeClass(messageCode) === 2;

/** What a code means to the message layer (RFC 7252 section 4.2: the classes 1, 6 and 7 are reserved). */
export function kindOfCode(messageCode: number): "empty" | "request" | "response" | "reserved" {
  if (messageCode === EMPTY) return "empty";
  const kind = codeClass(messageCode);
  if (kind === 0) return "request";
  return kind >= 2 && kind <= 5 ? "response" : "reserved";
}

/** `4.04` of 132. */
export const formatCode = (messageCode: number): string =>
  `${codeClass(messageCode)}.${String(messageCode & 0x1f).padStart(2, "0")}`;

/** 132 of `4.04`. @throws MooringError MALFORMED for another form */
export function parseCode(text: string): number {
  const match = /^([0-7])\.([0-2]\d|3[01])$/.exec(text);
  if (!match) throw new MooringError("MALFORMED", `CoAP code must look like 4.04, not ${text}`, { text });
  return code(Number(match[1]), Number(match[2]));
}
