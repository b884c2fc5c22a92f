/** Names of messages, from which the ids of everything stored from them are made. */
import { toHex } from "../../base/bytes.ts";
import type { Notification } from "../../coap/endpoint.ts";

const DAY_MS = 86_400_000;

/**
 * `<registration>/<token>/<sequence>/<message id>/<day>`.
 *
 * A device repeats a confirmable notification until it is acknowledged, and the acknowledgement goes out only when its values are stored.
 * A host that dies in between gets the same message again in its next life: registration, token, Observe sequence and message
 * id are the same then, so the key is too, and the second copy is found to be stored already. Within one life of a registration two different
 * notifications differ in sequence or message id; the UTC day of receipt keeps a message of today apart from one that had the same
 * numbers when both had come round (65,536 messages ago at the soonest).
 */
export function notificationKey(registrationId: string, notification: Notification): string {
  const { observation, sequence, messageId, receivedAtMs } = notification;
  const day = Math.floor(receivedAtMs / DAY_MS);
  return `${registrationId}/${toHex(observation.token)}/${sequence ?? "-"}/${messageId}/${day}`;
}
