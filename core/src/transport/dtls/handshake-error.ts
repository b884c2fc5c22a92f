/** Why a handshake message is not taken: the alert that says so (RFC 5246 section 7.2.2), and words for the log. */
import { isFailure, MooringError } from "../../base/errors.ts";
import type { AlertName } from "./alert.ts";
import type { HandshakeFailure } from "./handshake.ts";

/**
 * @param details small and printable, no secrets
 * @returns a HANDSHAKE_INVALID error that carries `alert` and `reason` in its details
 */
export const handshakeError = (
  alert: AlertName,
  reason: HandshakeFailure,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): MooringError => new MooringError("HANDSHAKE_INVALID", message, { ...details, alert, reason });

/** Bytes that are not what they should be: decode_error. */
export const malformed = (subject: string, field: string, rule: string): MooringError =>
  handshakeError("decodeError", "malformed", `${subject}: ${field}: ${rule}`, { message: subject, field, rule });

/** A value that can be read and must not be: illegal_parameter. */
export const illegal = (subject: string, field: string, rule: string): MooringError =>
  handshakeError("illegalParameter", "malformed", `${subject}: ${field}: ${rule}`, { message: subject, field, rule });

export interface HandshakeEnd {
  /** Undefined: nothing is said. */
  readonly alert: AlertName | undefined;
  readonly reason: HandshakeFailure;
}

/** What ends a handshake whose step threw `error`; anything but a HANDSHAKE_INVALID is a mistake of ours. */
export const endOf = (error: unknown): HandshakeEnd =>
  isFailure(error, "HANDSHAKE_INVALID")
    ? (error.details as unknown as HandshakeEnd)
    : { alert: "internalError", reason: "malformed" };
