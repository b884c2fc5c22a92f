/** The client's half of each key exchange (RFC 4279, RFC 5489, RFC 8422): its share, its messages, the premaster secret. */
import { createECDH, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { GROUP } from "@mooring/core/internal/transport/dtls/extensions.ts";
import type { ClientKeyExchange, EcdhShare } from "@mooring/core/internal/transport/dtls/key-exchange.ts";
import { ecdhePskPremaster, pskPremaster } from "@mooring/core/internal/transport/dtls/key-schedule.ts";
import type { KeyExchange } from "@mooring/core/internal/transport/dtls/suites.ts";
import { HandshakeRefused, type PskCredentials } from "./client-options.ts";

export interface Agreement {
  readonly message: ClientKeyExchange;
  readonly premaster: Uint8Array;
}

interface OwnShare {
  readonly publicKey: Uint8Array;
  readonly shared: Uint8Array;
}

const CURVES: Readonly<Record<number, string>> = {
  [GROUP.secp256r1]: "prime256v1",
  [GROUP.secp384r1]: "secp384r1",
};

function agreeX25519(theirs: Uint8Array): OwnShare {
  const own = generateKeyPairSync("x25519");
  const x = Buffer.from(theirs).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
  const { x: ownX } = own.publicKey.export({ format: "jwk" });
  return {
    publicKey: Buffer.from(ownX!, "base64url"),
    shared: diffieHellman({ privateKey: own.privateKey, publicKey }),
  };
}

function agreeOn({ group, publicKey }: EcdhShare): OwnShare {
  if (group === GROUP.x25519) return agreeX25519(publicKey);
  const curve = CURVES[group];
  if (!curve) throw new HandshakeRefused("malformed", `group ${group} was not offered`);
  const own = createECDH(curve);
  return { publicKey: own.generateKeys(), shared: own.computeSecret(publicKey) };
}

/** @param share of the server, where the key exchange has one */
export function agree(exchange: KeyExchange, psk: PskCredentials | undefined, share: EcdhShare | undefined): Agreement {
  const identity = Buffer.from(psk?.identity ?? "");
  const key = psk?.key ?? Buffer.alloc(0);
  if (exchange === "psk") return { message: { identity }, premaster: pskPremaster(key) };
  if (!share) throw new HandshakeRefused("malformed", "the server sent no share");
  const { publicKey, shared } = agreeOn(share);
  return exchange === "ecdhe_psk"
    ? { message: { identity, publicKey }, premaster: ecdhePskPremaster(key, shared) }
    : { message: { publicKey }, premaster: shared };
}
