/** A certificate that a server makes for itself (RFC 5280): for an encrypted connection where nobody has given it one. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";
import { encodeUtf8 } from "../base/bytes.ts";
import type { Random } from "../base/random.ts";
import { type Certificate, certificateFromDer, EXTENDED_KEY_USAGE } from "./certificate.ts";
import { contextTag, TAG } from "./der.ts";
import {
  bitString,
  boolean,
  element,
  integer,
  objectId,
  octetString,
  sequence,
  time,
  utf8String,
} from "./write-der.ts";

export interface SelfSigned {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
} as const;

const DAY_MS = 86_400_000;
/** Devices whose clocks are behind by some hours take it too. */
const VALID_BEFORE_MS = 2 * DAY_MS;
const VALID_FOR_MS = 3650 * DAY_MS;
const SERIAL_BYTES = 16;
const LONGEST_COMMON_NAME = 64;
const DNS_NAME = contextTag(2);
const IP_ADDRESS = contextTag(7);

/** The eight groups of an IPv6 address, `::` written out, an IPv4 end as two groups. */
function ipv6Groups(address: string): number[] {
  const [head = "", tail] = address.split("::", 2);
  const groups = (text: string): number[] =>
    text
      .split(":")
      .filter(group => group !== "")
      .flatMap(group => {
        const [a, b, c, d] = group.split(".").map(Number);
        return group.includes(".") ? [a! * 256 + b!, c! * 256 + d!] : [Number.parseInt(group, 16)];
      });
  const [first, last] = [groups(head), groups(tail ?? "")];
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

function alternativeName(name: string): Uint8Array {
  if (isIP(name) === 4) return element(IP_ADDRESS, Uint8Array.from(name.split(".").map(Number)));
  if (isIP(name) === 0) return element(DNS_NAME, encodeUtf8(name));
  const groups = ipv6Groups(name.split("%", 1)[0]!);
  return element(IP_ADDRESS, Uint8Array.from(groups.flatMap(group => [group >> 8, group & 0xff])));
}

const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  sequence(objectId(id), ...(critical ? [boolean(true)] : []), octetString(value));

/** None of key usage: a client that trusts this very certificate finds that its own key may have signed it. */
const extensions = (name: string): Uint8Array =>
  element(
    contextTag(3, true),
    sequence(
      extension(OID.basicConstraints, true, sequence()),
      extension(OID.extendedKeyUsage, false, sequence(objectId(EXTENDED_KEY_USAGE.serverAuth))),
      extension(OID.subjectAltName, false, sequence(alternativeName(name))),
    ),
  );

/**
 * P-256, ten years.
 * @param name host name or IP address: common name and subject alternative name
 */
export function createSelfSigned(name: string, nowMs: number, random: Pick<Random, "bytes">): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const commonName = utf8String(name.slice(0, LONGEST_COMMON_NAME));
  const whose = sequence(element(TAG.set, sequence(objectId(OID.commonName), commonName)));
  const signed = sequence(
    element(contextTag(0, true), integer(Uint8Array.of(2))),
    integer(random.bytes(SERIAL_BYTES)),
    algorithm,
    whose,
    sequence(time(nowMs - VALID_BEFORE_MS), time(nowMs + VALID_FOR_MS)),
    whose,
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    extensions(name),
  );
  const signature = new Uint8Array(sign("sha256", signed, privateKey));
  return { certificate: certificateFromDer(sequence(signed, algorithm, bitString(signature))), privateKey };
}
