/** What a session's keys follow from, as bytes to be sealed and stored. Pure. */
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { isFailure } from "../../base/errors.ts";
import type { SessionParameters } from "./handshake.ts";
import { identityOf, principalOf } from "./principal.ts";
import { createReader, uint8, uint16, vector8, vector16 } from "./wire.ts";

/** First byte; another one is of another version of the host. */
const FORM = 1;

const MASTER_SECRET_BYTES = 48;
const RANDOM_BYTES = 32;

const EXTENDED_MASTER_SECRET = 1;
const ENCRYPT_THEN_MAC = 2;
const SERVER_CID = 4;

function flagsOf({ extendedMasterSecret, encryptThenMac, serverCid }: SessionParameters): number {
  return (
    (extendedMasterSecret ? EXTENDED_MASTER_SECRET : 0) |
    (encryptThenMac ? ENCRYPT_THEN_MAC : 0) |
    (serverCid ? SERVER_CID : 0)
  );
}

export const writeSessionSecrets = (parameters: SessionParameters): Uint8Array =>
  concatBytes([
    uint8(FORM),
    uint8(flagsOf(parameters)),
    uint16(parameters.suite),
    uint16(parameters.maxPlaintextBytes),
    parameters.masterSecret,
    parameters.clientRandom,
    parameters.serverRandom,
    vector8(parameters.resumptionId),
    vector8(parameters.clientCid),
    vector8(parameters.serverCid ?? new Uint8Array(0)),
    vector16(encodeUtf8(principalOf(parameters.identity))),
  ]);

/** @returns values of their own, no views; undefined for bytes that are not whole or of another form */
export function readSessionSecrets(bytes: Uint8Array): SessionParameters | undefined {
  try {
    return readParameters(bytes);
  } catch (error) {
    if (isFailure(error, "HANDSHAKE_INVALID")) return undefined;
    throw error;
  }
}

function readParameters(bytes: Uint8Array): SessionParameters | undefined {
  const reader = createReader(bytes.slice(), "session secrets");
  if (reader.uint8("form") !== FORM) return undefined;
  const flags = reader.uint8("flags");
  const suite = reader.uint16("suite");
  const maxPlaintextBytes = reader.uint16("max_plaintext");
  const masterSecret = reader.bytes(MASTER_SECRET_BYTES, "master_secret");
  const clientRandom = reader.bytes(RANDOM_BYTES, "client_random");
  const serverRandom = reader.bytes(RANDOM_BYTES, "server_random");
  const resumptionId = reader.vector(1, "session_id");
  const clientCid = reader.vector(1, "client_cid");
  const serverCid = reader.vector(1, "server_cid");
  const principal = decodeUtf8(reader.vector(2, "principal"));
  reader.end();
  if (principal === undefined) return undefined;
  return {
    suite,
    masterSecret,
    clientRandom,
    serverRandom,
    extendedMasterSecret: (flags & EXTENDED_MASTER_SECRET) !== 0,
    encryptThenMac: (flags & ENCRYPT_THEN_MAC) !== 0,
    identity: identityOf(principal),
    resumptionId,
    clientCid,
    serverCid: (flags & SERVER_CID) !== 0 ? serverCid : undefined,
    maxPlaintextBytes,
  };
}
