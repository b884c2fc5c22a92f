/** What a ClientHello and our answer to it settle of a session: all but its secret and whose it is. Pure. */
import { EMPTY_BYTES } from "../../base/bytes.ts";
import { type ClientHello, DTLS_1_2 } from "./client-hello.ts";
import type { SessionParameters } from "./handshake.ts";
import { type Agreement, maxPlaintextOf } from "./negotiation.ts";
import { answerExtensions } from "./server-flight.ts";
import { writeServerHello } from "./server-hello.ts";
import type { Suite } from "./suites.ts";

export type SessionTerms = Omit<SessionParameters, "masterSecret" | "identity">;

/** Our part in them. */
export interface OwnTerms {
  readonly suite: Suite;
  readonly encryptThenMac: boolean;
  readonly serverRandom: Uint8Array;
  /** Empty: the session cannot be resumed. */
  readonly resumptionId: Uint8Array;
  /** Undefined: none is asked for, or none is given. */
  readonly serverCid: Uint8Array | undefined;
  readonly maxRecordBytes: number;
}

/** With a Connection ID the type of a record stands inside and counts (RFC 9146 section 4). */
const INNER_TYPE_BYTES = 1;

/** Connection ID and record sizes are agreed on anew in a resumption (RFC 9146 section 3, RFC 8449 section 4). Copies what it keeps. */
export function settleTerms(hello: ClientHello, own: OwnTerms): SessionTerms {
  const clientCid = own.serverCid === undefined ? EMPTY_BYTES : hello.extensions.connectionId!.slice();
  return {
    suite: own.suite.id,
    clientRandom: hello.random.slice(),
    serverRandom: own.serverRandom,
    extendedMasterSecret: hello.extensions.extendedMasterSecret === true,
    encryptThenMac: own.encryptThenMac,
    resumptionId: own.resumptionId,
    clientCid,
    serverCid: own.serverCid,
    maxPlaintextBytes: maxPlaintextOf(hello, own.maxRecordBytes) - (clientCid.length > 0 ? INNER_TYPE_BYTES : 0),
  };
}

/** @returns body of the ServerHello that says so */
export const serverHelloOf = (
  hello: ClientHello,
  terms: SessionTerms,
  { suite, maxRecordBytes }: OwnTerms,
  proof: Agreement["proof"],
): Uint8Array =>
  writeServerHello({
    version: DTLS_1_2,
    random: terms.serverRandom,
    sessionId: terms.resumptionId,
    suite: terms.suite,
    compressionMethod: 0,
    extensions: answerExtensions(hello, {
      withGroup: suite.keyExchange !== "psk",
      proof,
      encryptThenMac: terms.encryptThenMac,
      serverCid: terms.serverCid,
      maxRecordBytes,
    }),
  });
