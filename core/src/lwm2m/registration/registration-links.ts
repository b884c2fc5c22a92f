/** Links of registrations, parsed once per distinct payload and shared by all devices that send the same. */
import { decodeRegistrationLinks, type RegistrationLinks } from "../codecs/link-format.ts";
import { createInterner } from "./interner.ts";

/** Payloads past this size are parsed each time: rare, and not worth the table's memory. */
const LARGEST_KEY_BYTES = 4096;
const DISTINCT_PAYLOADS = 2048;

/** @throws MooringError LINK_FORMAT_INVALID */
export type ReadLinks = (payload: Uint8Array) => RegistrationLinks;

export function createLinkReader(): ReadLinks {
  const known = createInterner<RegistrationLinks>(DISTINCT_PAYLOADS);
  return payload => {
    if (payload.length > LARGEST_KEY_BYTES) return decodeRegistrationLinks(payload);
    const key = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("latin1");
    return known.share(key, () => decodeRegistrationLinks(payload));
  };
}
