import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { fromHex } from "../../../../src/base/bytes.ts";
import {
  readCertificateChain,
  readRawPublicKey,
  writeCertificateChain,
  writeRawPublicKey,
} from "../../../../src/transport/dtls/certificate.ts";
import { readCertificateRequest, writeCertificateRequest } from "../../../../src/transport/dtls/certificate-request.ts";
import { readClientHello, writeClientHello } from "../../../../src/transport/dtls/client-hello.ts";
import { readFinished, writeFinished } from "../../../../src/transport/dtls/finished.ts";
import {
  readHelloVerifyRequest,
  writeHelloVerifyRequest,
} from "../../../../src/transport/dtls/hello-verify-request.ts";
import {
  readClientKeyExchange,
  readServerKeyExchange,
  writeClientKeyExchange,
  writeServerKeyExchange,
} from "../../../../src/transport/dtls/key-exchange.ts";
import { readServerHello, writeServerHello } from "../../../../src/transport/dtls/server-hello.ts";
import { readCertificateVerify, writeCertificateVerify } from "../../../../src/transport/dtls/signature.ts";

export const certificate = (name: string): X509Certificate =>
  new X509Certificate(readFileSync(new URL(`../../../fixtures/certificates/${name}.pem`, import.meta.url)));

export interface Vector {
  readonly name: string;
  /** Of the message, as OpenSSL 3.0 put it on the wire unless the name says otherwise. */
  readonly body: Uint8Array;
  /** The message as a value. */
  read(body: Uint8Array): unknown;
  /** Reads and writes: what comes out is what can be said with our words. */
  again(body: Uint8Array): Uint8Array;
}

const vector = <T>(
  name: string,
  body: Uint8Array,
  read: (body: Uint8Array) => T,
  write: (value: T) => Uint8Array,
): Vector => ({
  name,
  body,
  read,
  again: bytes => write(read(bytes)),
});

export const OPENSSL_CLIENT_HELLO =
  "fefdd6ef3075d992b0859242d510487041316d122c34f0fd481623e811e59649788900147166a7cc377917a9b0daee7b6b194fbf6388ac8f0004c0ae00ff0100006c00000010000e00000b6578616d706c652e6f7267000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d0030002e040305030603080708080809080a080b080408050806040105010601030302030301020103020202040205020602";
export const OPENSSL_SERVER_HELLO =
  "fefdb4b4b868dd84f4cd063aac857bcd1e0ed51ce9e9c9624bc6f3b7ddc450dc8aa500c0ae000015ff01000100000b0004030001020023000000170000";

export const VECTORS: readonly Vector[] = [
  vector("ClientHello", fromHex(OPENSSL_CLIENT_HELLO), readClientHello, writeClientHello),
  vector(
    "HelloVerifyRequest",
    fromHex("feff147166a7cc377917a9b0daee7b6b194fbf6388ac8f"),
    readHelloVerifyRequest,
    writeHelloVerifyRequest,
  ),
  vector("ServerHello", fromHex(OPENSSL_SERVER_HELLO), readServerHello, writeServerHello),
  vector(
    "Certificate of a chain",
    writeCertificateChain([certificate("device-intermediate").raw, certificate("intermediate").raw]),
    readCertificateChain,
    writeCertificateChain,
  ),
  vector("Certificate without any", fromHex("000000"), readCertificateChain, writeCertificateChain),
  vector(
    "Certificate with a raw public key (own)",
    writeRawPublicKey(certificate("device-1").publicKey.export({ type: "spki", format: "der" })),
    readRawPublicKey,
    writeRawPublicKey,
  ),
  vector(
    "ServerKeyExchange of ECDHE_ECDSA",
    fromHex(
      "03001d20b4775c5b7f15b6b6f44e613288ead481a5d6200a3c8b0b3cce0c1ed9330dec710403004630440220077e542462e95d1636dbec89fd8b17f21e67f6d820cc875e2a2bc11288d4c97602201e88dcd19c90825b8a27c8ca46319767775ab1034edd7eabbec80a764b160c97",
    ),
    body => readServerKeyExchange(body, "ecdhe_ecdsa"),
    writeServerKeyExchange,
  ),
  vector(
    "ServerKeyExchange of ECDHE_PSK",
    fromHex("000468696e7403001d20ec7b3b1634b9ea3fdc8a8c327a03ba26b84008f786ae8baec8215f4024c99c5e"),
    body => readServerKeyExchange(body, "ecdhe_psk"),
    writeServerKeyExchange,
  ),
  vector(
    "ServerKeyExchange of PSK (own)",
    fromHex("000468696e74"),
    body => readServerKeyExchange(body, "psk"),
    writeServerKeyExchange,
  ),
  vector(
    "CertificateRequest",
    fromHex(
      "03010240002e040305030603080708080809080a080b080408050806040105010601030302030301020103020202040205020602001e001c301a3118301606035504030c0f4d6f6f72696e672054657374204341",
    ),
    readCertificateRequest,
    writeCertificateRequest,
  ),
  vector(
    "ClientKeyExchange of ECDHE_ECDSA",
    fromHex("207dd7335ca80e8c2f09bf0ffd81aefffb581753df71ac3224fce442004a954e6b"),
    body => readClientKeyExchange(body, "ecdhe_ecdsa"),
    writeClientKeyExchange,
  ),
  vector(
    "ClientKeyExchange of ECDHE_PSK",
    fromHex("000249442033aa7e99d37f3e0e781bbe6f367e710c1891bc893e7916817217f971c7f60840"),
    body => readClientKeyExchange(body, "ecdhe_psk"),
    writeClientKeyExchange,
  ),
  vector(
    "ClientKeyExchange of PSK (own)",
    fromHex("00024944"),
    body => readClientKeyExchange(body, "psk"),
    writeClientKeyExchange,
  ),
  vector(
    "CertificateVerify",
    fromHex(
      "040300473045022100b13ad8da2911d294b40ad535f676546d8e3f33be3c3a54bb4e0c461c59bf2758022057634ffc040884263708caaac23c1500c02f09f81619f326be87cda9ec59f9d5",
    ),
    readCertificateVerify,
    writeCertificateVerify,
  ),
  vector("Finished (own)", fromHex("0102030405060708090a0b0c"), readFinished, writeFinished),
];
