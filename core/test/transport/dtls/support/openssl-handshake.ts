import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import tls from "node:tls";
import { concatBytes, fromHex } from "../../../../src/base/bytes.ts";

/** A TLS 1.2 handshake between two ends of the OpenSSL in Node, as it went over the wire. TLS_PSK_WITH_AES_128_CCM_8. */
export interface OpensslHandshake {
  /** Out of the key log. */
  readonly masterSecret: Uint8Array;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  /** ClientHello up to and with ClientKeyExchange. */
  readonly untilKeyExchange: Uint8Array;
  /** What the server says before its Finished, after the client's. */
  readonly beforeServerFinished: Uint8Array;
  /** Fragments of the records with the Finished messages: explicit nonce, ciphertext, tag. */
  readonly clientFinished: Uint8Array;
  readonly serverFinished: Uint8Array;
}

const HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 5;
const RANDOM_AT = 6;
const RANDOM_BYTES = 32;

const SUITE = { ciphers: "PSK-AES128-CCM8:@SECLEVEL=0", minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
/** SSL_OP_NO_EXTENDED_MASTER_SECRET */
const NO_EXTENDED_MASTER_SECRET = 1;

export async function opensslHandshake(psk: Uint8Array, extendedMasterSecret: boolean): Promise<OpensslHandshake> {
  const options = { ...SUITE, secureOptions: extendedMasterSecret ? 0 : NO_EXTENDED_MASTER_SECRET };
  const [clientEnd, serverEnd] = duplexPair();
  const [clientWrote, serverWrote] = [recorded(clientEnd), recorded(serverEnd)];
  const server = new tls.TLSSocket(serverEnd, {
    isServer: true,
    secureContext: tls.createSecureContext(options),
    pskCallback: () => psk,
  } as tls.TLSSocketOptions);
  const client = tls.connect({
    socket: clientEnd,
    ...options,
    pskCallback: () => ({ psk, identity: "device" }),
    checkServerIdentity: () => undefined,
  });
  const keyLog = once(client, "keylog");
  await once(client, "secureConnect");
  const [, , masterSecret] = String((await keyLog)[0])
    .trim()
    .split(" ");
  client.destroy();
  server.destroy();
  const [clientHello, keyExchange, clientFinished] = handshakeFragments(clientWrote);
  const [serverHello, ...rest] = handshakeFragments(serverWrote);
  return {
    masterSecret: fromHex(masterSecret!),
    clientRandom: clientHello!.subarray(RANDOM_AT, RANDOM_AT + RANDOM_BYTES),
    serverRandom: serverHello!.subarray(RANDOM_AT, RANDOM_AT + RANDOM_BYTES),
    untilKeyExchange: concatBytes([clientHello!, serverHello!, ...rest.slice(0, -2), keyExchange!]),
    beforeServerFinished: rest.at(-2)!,
    clientFinished: clientFinished!,
    serverFinished: rest.at(-1)!,
  };
}

/** Collects what is written to a stream. */
function recorded(stream: Duplex): Buffer[] {
  const chunks: Buffer[] = [];
  const write = stream._write.bind(stream);
  stream._write = (chunk: Buffer, encoding, done) => {
    chunks.push(Buffer.from(chunk));
    write(chunk, encoding, done);
  };
  return chunks;
}

/** Fragments of all handshake records, the protected one of Finished last. */
function handshakeFragments(chunks: readonly Buffer[]): Uint8Array[] {
  const bytes = Buffer.concat(chunks);
  const fragments: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + RECORD_HEADER_BYTES + bytes.readUInt16BE(at + 3);
    if (bytes[at] === HANDSHAKE) fragments.push(bytes.subarray(at + RECORD_HEADER_BYTES, end));
    at = end;
  }
  return fragments;
}
