/**
 * ServerKeyExchange and ClientKeyExchange of each way to agree on a premaster secret: psk (RFC 4279 section 2), ecdhe_psk (RFC 5489
 * section 2), ecdhe_ecdsa (RFC 8422 sections 5.4 and 5.7). Pure.
 */
import { illegal } from "./handshake-error.ts";
import { readSignature, type Signature, writeSignature } from "./signature.ts";
import type { KeyExchange } from "./suites.ts";
import { createReader, joinBytes, uint8, uint16, vector8, vector16, type WireReader } from "./wire.ts";

/** ECCurveType named_curve (RFC 8422 section 5.4). */
const NAMED_CURVE = 3;

export interface EcdhShare {
  /** A value of GROUP in extensions.ts. */
  readonly group: number;
  /** Public key as the group writes it: uncompressed point, or 32 bytes of X25519. */
  readonly publicKey: Uint8Array;
}

/** Members are those that the key exchange has. */
export interface ServerKeyExchange {
  /** psk_identity_hint, may be empty. */
  readonly identityHint?: Uint8Array;
  readonly share?: EcdhShare;
  /** Over client_random, server_random and {@link writeShare}. */
  readonly signature?: Signature;
}

export interface ClientKeyExchange {
  /** psk_identity, 0..65535 bytes. */
  readonly identity?: Uint8Array;
  readonly publicKey?: Uint8Array;
}

interface Contents {
  readonly identity: boolean;
  readonly share: boolean;
  readonly signature: boolean;
}

/** What the messages of each key exchange hold. */
const CONTENTS: Readonly<Record<KeyExchange, Contents>> = {
  psk: { identity: true, share: false, signature: false },
  ecdhe_psk: { identity: true, share: true, signature: false },
  ecdhe_ecdsa: { identity: false, share: true, signature: true },
};

function readShare(reader: WireReader): EcdhShare {
  const curveType = reader.uint8("curve_type");
  if (curveType !== NAMED_CURVE) throw illegal("ServerKeyExchange", "curve_type", `${curveType} is no named curve`);
  return { group: reader.uint16("namedcurve"), publicKey: reader.vector(1, "point", 1) };
}

/** ServerECDHParams. */
export const writeShare = ({ group, publicKey }: EcdhShare): Uint8Array =>
  joinBytes([uint8(NAMED_CURVE), uint16(group), vector8(publicKey)]);

/**
 * @returns views on `body`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readServerKeyExchange(body: Uint8Array, exchange: KeyExchange): ServerKeyExchange {
  const { identity, share, signature } = CONTENTS[exchange];
  const reader = createReader(body, "ServerKeyExchange");
  const read = {
    ...(identity ? { identityHint: reader.vector(2, "psk_identity_hint") } : {}),
    ...(share ? { share: readShare(reader) } : {}),
    ...(signature ? { signature: readSignature(reader) } : {}),
  };
  reader.end();
  return read;
}

export const writeServerKeyExchange = ({ identityHint, share, signature }: ServerKeyExchange): Uint8Array =>
  joinBytes([
    ...(identityHint ? [vector16(identityHint)] : []),
    ...(share ? [writeShare(share)] : []),
    ...(signature ? [writeSignature(signature)] : []),
  ]);

/**
 * @returns views on `body`
 * @throws MooringError HANDSHAKE_INVALID
 */
export function readClientKeyExchange(body: Uint8Array, exchange: KeyExchange): ClientKeyExchange {
  const { identity, share } = CONTENTS[exchange];
  const reader = createReader(body, "ClientKeyExchange");
  const read = {
    ...(identity ? { identity: reader.vector(2, "psk_identity") } : {}),
    ...(share ? { publicKey: reader.vector(1, "ecdh_Yc", 1) } : {}),
  };
  reader.end();
  return read;
}

export const writeClientKeyExchange = ({ identity, publicKey }: ClientKeyExchange): Uint8Array =>
  joinBytes([...(identity ? [vector16(identity)] : []), ...(publicKey ? [vector8(publicKey)] : [])]);
