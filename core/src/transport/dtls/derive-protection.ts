/** From what both sides agreed on to what protects their records (RFC 5246 section 6.3). */
import assert from "node:assert/strict";
import { createSecretKey, type KeyObject } from "node:crypto";
import type { Random } from "../../base/random.ts";
import { createAeadProtection, SALT_BYTES } from "./aead-protection.ts";
import { createCbcProtection, MAC_BYTES } from "./cbc-protection.ts";
import type { SessionParameters } from "./handshake.ts";
import { deriveKeyBlock } from "./key-schedule.ts";
import type { ProtectionPair, RecordProtection } from "./protection.ts";
import { findSuite, type Suite } from "./suites.ts";

/** AES-128. */
const KEY_BYTES = 16;

export type ProtectionParameters = Pick<
  SessionParameters,
  "suite" | "masterSecret" | "clientRandom" | "serverRandom" | "encryptThenMac" | "clientCid" | "serverCid"
>;

/** One side's part of the key block. */
interface WriteKeys {
  readonly mac: Uint8Array;
  readonly key: KeyObject;
  readonly salt: Uint8Array;
}

/**
 * @param parameters of a suite in the table
 * @param random for the IVs of CBC
 */
export function deriveProtection(parameters: ProtectionParameters, random: Pick<Random, "bytes">): ProtectionPair {
  const suite = findSuite(parameters.suite);
  assert(suite, "a session has a suite of the table");
  const [client, server] = writeKeys(suite, parameters);
  const protect = (keys: WriteKeys, cid: Uint8Array | undefined): RecordProtection =>
    createProtection(suite, keys, parameters.encryptThenMac, cid?.length ?? 0, random);
  // Each side puts the other one's Connection ID into its records (RFC 9146 section 3).
  return { client: protect(client, parameters.serverCid), server: protect(server, parameters.clientCid) };
}

function createProtection(
  suite: Suite,
  { mac, key, salt }: WriteKeys,
  encryptThenMac: boolean,
  cidBytes: number,
  random: Pick<Random, "bytes">,
): RecordProtection {
  const { cipher, tagBytes } = suite;
  if (cipher === "aes-128-cbc") {
    return createCbcProtection({ key, macKey: createSecretKey(mac) }, encryptThenMac, cidBytes, random);
  }
  const saltNumber = (salt[0]! << 24) | (salt[1]! << 16) | (salt[2]! << 8) | salt[3]!;
  return createAeadProtection({ cipher, tagBytes, key, salt: saltNumber }, cidBytes);
}

/** The key block cut up: MAC keys, keys, fixed IVs, of the client first each time. */
function writeKeys(suite: Suite, { masterSecret, clientRandom, serverRandom }: ProtectionParameters) {
  const macBytes = suite.isCbc ? MAC_BYTES : 0;
  const saltBytes = suite.isCbc ? 0 : SALT_BYTES;
  const block = deriveKeyBlock(masterSecret, clientRandom, serverRandom, 2 * (macBytes + KEY_BYTES + saltBytes));
  const keyAt = 2 * macBytes;
  const saltAt = keyAt + 2 * KEY_BYTES;
  const side = (index: 0 | 1): WriteKeys => ({
    mac: block.subarray(index * macBytes, (index + 1) * macBytes),
    key: createSecretKey(block.subarray(keyAt + index * KEY_BYTES, keyAt + (index + 1) * KEY_BYTES)),
    salt: block.subarray(saltAt + index * saltBytes, saltAt + (index + 1) * saltBytes),
  });
  return [side(0), side(1)] as const;
}
