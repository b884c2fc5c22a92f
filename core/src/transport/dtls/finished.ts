/** Finished (RFC 5246 section 7.4.9). Pure. */
import { VERIFY_DATA_BYTES } from "./key-schedule.ts";
import { createReader } from "./wire.ts";

/**
 * @returns verify_data, a view on `body`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readFinished(body: Uint8Array): Uint8Array {
  const reader = createReader(body, "Finished");
  const verifyData = reader.bytes(VERIFY_DATA_BYTES, "verify_data");
  reader.end();
  return verifyData;
}

export const writeFinished = (verifyData: Uint8Array): Uint8Array => verifyData;
