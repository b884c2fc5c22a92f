/**
 * Under which CoAP names an operation is delivered: kept with the operation before the first message leaves, so that it is delivered again
 * under the same ones after a time-out or another start of the host. To a device that had it already that is a repetition (RFC 7252 section
 * 4.2): it answers as before and does nothing twice. After EXCHANGE_LIFETIME it has forgotten, and so have we. Pure.
 */
import { fromHex, toHex } from "../base/bytes.ts";
import type { RequestNames } from "../coap/endpoint.ts";
import type { JsonObject } from "../store/collection.ts";

export interface Delivery {
  readonly names: RequestNames;
  /** When it was first delivered under them, ms since the epoch. */
  readonly sinceMs: number;
}

/** As the details of an operation. */
export const storedDelivery = ({ names, sinceMs }: Delivery): JsonObject => ({
  delivery: { messageId: names.messageId, token: toHex(names.token), sinceMs },
});

/** The delivery in the details of an operation, as long as the device may know it; undefined: a new one. */
export function lastDelivery(
  details: JsonObject | undefined,
  nowMs: number,
  exchangeLifetimeMs: number,
): Delivery | undefined {
  const delivery = details?.["delivery"] as JsonObject | undefined;
  const { messageId, token, sinceMs } = delivery ?? {};
  if (typeof messageId !== "number" || typeof token !== "string" || typeof sinceMs !== "number") return undefined;
  // A clock that was set back makes it look young, at worst the device has forgotten it.
  if (nowMs - sinceMs >= exchangeLifetimeMs) return undefined;
  return { names: { messageId, token: fromHex(token) }, sinceMs };
}
