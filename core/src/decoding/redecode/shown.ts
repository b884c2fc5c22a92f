/** Parts of payloads and documents as reports show them: in a form that every store keeps, and short. Pure. */
import { canonicalJson } from "../../contract/decoder-package.ts";
import { formatTime } from "../../platform/time.ts";
import type { RawPayload } from "../raw-payload.ts";

export interface ShownPayload {
  readonly payload: string;
  readonly deviceId: string;
  readonly path: string;
  /** ISO 8601, of receipt. */
  readonly time: string;
}

export const shownPayload = ({ id, deviceId, path, receivedAtMs }: RawPayload): ShownPayload => ({
  payload: id,
  deviceId,
  path,
  time: formatTime(receivedAtMs),
});

const SHOWN_CHARACTERS = 500;

export const shortText = (text: string): string =>
  text.slice(0, SHOWN_CHARACTERS).toWellFormed().replaceAll("\0", "\ufffd");

/** What is long is shown by the beginning of its JSON. */
function shortened(value: unknown): unknown {
  const text = canonicalJson(value);
  return text.length > SHOWN_CHARACTERS ? `${shortText(text)} ...` : value;
}

/** @returns the same with its two sides shortened, those that there are */
export const shortSides = <T extends { readonly before?: unknown; readonly after?: unknown }>(sides: T): T => ({
  ...sides,
  ...(sides.before !== undefined && { before: shortened(sides.before) }),
  ...(sides.after !== undefined && { after: shortened(sides.after) }),
});
