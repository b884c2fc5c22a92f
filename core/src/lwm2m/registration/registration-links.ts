/** Links of registrations, parsed once per distinct payload and shared by all devices that send the same. */
import { MooringError } from "../../base/errors.ts";
import { decodeRegistrationLinks, type RegistrationLinks } from "../codecs/link-format.ts";
import { createInterner } from "./interner.ts";

/** About 7,000 links; each is read, stored and compared with what an Update brings. */
const LARGEST_BYTES = 65_536;
/** Payloads past this size are parsed each time: rare, and not worth the table's memory. */
const LARGEST_KEY_BYTES = 4096;
const DISTINCT_PAYLOADS = 2048;

/** @throws MooringError LINK_FORMAT_INVALID, TOO_LARGE past 65,536 bytes */
export type ReadLinks = (payload: Uint8Array) => RegistrationLinks;

export function createLinkReader(): ReadLinks {
  const known = createInterner<RegistrationLinks>(DISTINCT_PAYLOADS);
  return payload => {
    if (payload.length > LARGEST_BYTES) {
      throw new MooringError("TOO_LARGE", `the objects of a registration take more than ${LARGEST_BYTES} bytes`);
    }
    if (payload.length > LARGEST_KEY_BYTES) return decodeRegistrationLinks(payload);
    const key = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("latin1");
    return known.share(key, () => decodeRegistrationLinks(payload));
  };
}
