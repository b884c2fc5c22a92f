import { assert } from "chai";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { isFailure } from "../../../src/base/errors.ts";
import {
  type ClientExtensions,
  readClientExtensions,
  readServerExtensions,
  type ServerExtensions,
  writeClientExtensions,
  writeServerExtensions,
} from "../../../src/transport/dtls/extensions.ts";

const CLIENT: readonly [source: string, extensions: ClientExtensions, hex: string][] = [
  ["RFC 6066 3 server_name", { serverName: "a.b" }, "000000080006000003612e62"],
  ["RFC 6066 4 max_fragment_length", { maxFragmentLength: 2 }, "0001000102"],
  ["RFC 8422 5.1.1 supported_groups", { supportedGroups: [23, 29] }, "000a000600040017001d"],
  ["RFC 8422 5.1.2 ec_point_formats", { pointFormats: [0] }, "000b00020100"],
  ["RFC 5246 7.4.1.4.1 signature_algorithms", { signatureAlgorithms: [0x0403] }, "000d000400020403"],
  ["RFC 7250 3 client_certificate_type", { clientCertificateTypes: [2, 0] }, "00130003020200"],
  ["RFC 7250 3 server_certificate_type", { serverCertificateTypes: [2] }, "001400020102"],
  ["RFC 7366 2 encrypt_then_mac", { encryptThenMac: true }, "00160000"],
  ["RFC 7627 5.1 extended_master_secret", { extendedMasterSecret: true }, "00170000"],
  ["RFC 8449 4 record_size_limit", { recordSizeLimit: 64 }, "001c00020040"],
  ["RFC 9146 3 connection_id", { connectionId: fromHex("0102") }, "00360003020102"],
  ["RFC 9146 3 connection_id of no bytes", { connectionId: new Uint8Array(0) }, "0036000100"],
  [
    "RFC 9146 3 connection_id of 255 bytes",
    { connectionId: new Uint8Array(255).fill(7) },
    `00360100ff${"07".repeat(255)}`,
  ],
  ["RFC 5746 3.2 renegotiation_info", { renegotiationInfo: new Uint8Array(0) }, "ff01000100"],
];

const SERVER: readonly [source: string, extensions: ServerExtensions, hex: string][] = [
  ["RFC 6066 3 server_name", { serverName: true }, "00000000"],
  ["RFC 7250 3 client_certificate_type", { clientCertificateType: 2 }, "0013000102"],
  ["RFC 7250 3 server_certificate_type", { serverCertificateType: 0 }, "0014000100"],
  ["RFC 9146 3 connection_id", { connectionId: fromHex("0a0b0c") }, "00360004030a0b0c"],
];

const refusal = (hex: string): { alert: unknown; text: string } => {
  try {
    readClientExtensions(fromHex(hex));
  } catch (error) {
    if (isFailure(error, "HANDSHAKE_INVALID")) return { alert: error.details["alert"], text: error.message };
    throw error;
  }
  return assert.fail(`${hex} was taken`);
};

const REFUSED: readonly [why: string, hex: string, alert: string][] = [
  ["RFC 5246 7.4.1.4: twice the same", "0017000000170000", "decodeError"],
  ["RFC 5246 7.4.1.4: twice the same, of those not known", "1234000012340000", "decodeError"],
  ["data longer than the list", "00170001", "decodeError"],
  ["bytes left in an empty extension", "0017000100", "decodeError"],
  ["bytes left behind a list", "000a00050002001700", "decodeError"],
  ["an odd list of two-byte numbers", "000a00050003001700", "decodeError"],
  ["an empty list", "000a00020000", "decodeError"],
  ["RFC 9146 3: a Connection ID longer than its extension", "003600030a0102", "decodeError"],
  ["RFC 6066 3: no names", "000000020000", "decodeError"],
  ["RFC 6066 3: two names of a type", "0000000a00080000016100000162", "illegalParameter"],
  ["RFC 6066 3: a name that is no text", "000000060004000001ff", "decodeError"],
  ["RFC 6066 4: a length that is none of the four", "0001000105", "illegalParameter"],
  ["RFC 8449 4: a limit below 64", "001c0002003f", "illegalParameter"],
];

describe("dtls/extensions", () => {
  for (const [source, extensions, hex] of CLIENT) {
    it(`${source}: of a client, both ways`, () => {
      assert.equal(toHex(writeClientExtensions(extensions)), hex);
      assert.deepEqual(readClientExtensions(fromHex(hex)), extensions);
    });
  }
  for (const [source, extensions, hex] of SERVER) {
    it(`${source}: of a server, both ways`, () => {
      assert.equal(toHex(writeServerExtensions(extensions)), hex);
      assert.deepEqual(readServerExtensions(fromHex(hex)), extensions);
    });
  }
  for (const [why, hex, alert] of REFUSED) {
    it(`refuses ${why}`, () => assert.equal(refusal(hex).alert, alert));
  }

  it("leaves out what it does not know, also the draft's number of connection_id", () => {
    const known = fromHex("00170000");
    const draft = fromHex("0035000201aa");
    assert.deepEqual(readClientExtensions(concatBytes([draft, known, fromHex("fafa0000")])), {
      extendedMasterSecret: true,
    });
  });

  it("RFC 6066 3: a list without a host name names no host", () =>
    assert.deepEqual(readClientExtensions(fromHex("00000006000407000161")), { serverName: "" }));
});
