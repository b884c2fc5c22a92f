/** Name of a Send, as notificationKey is for notifications. */
import { createHash } from "node:crypto";
import { type Random, urlSafeId } from "../../base/random.ts";
import type { CoapRequest } from "../../coap/request.ts";

const DAY_MS = 86_400_000;
const KEY_LENGTH = 12;

/**
 * `<registration>/dp/<message id>/<digest>/<day>`: a device repeats a Send until it is answered, with the same message id and payload, also to a
 * host that died before it could answer; the same payload later has another message id.
 * Where the endpoint names no message id, every Send counts as a new one.
 */
export function sendKey(registrationId: string, request: CoapRequest, receivedAtMs: number, random: Random): string {
  const message = request.messageId ?? urlSafeId(random, KEY_LENGTH);
  const digest = createHash("sha256").update(request.payload).digest("base64url").slice(0, KEY_LENGTH);
  return `${registrationId}/dp/${message}/${digest}/${Math.floor(receivedAtMs / DAY_MS)}`;
}
