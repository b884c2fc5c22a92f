import { createHash, generateKeyPairSync } from "node:crypto";
import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import {
  assertKnownKey,
  buildDecoderPackage,
  canonicalJson,
  checkDecoderPackage,
  DECODER_PACKAGE_LIMITS,
  type DecoderPackage,
  decoderChecksum,
  generateSigningKey,
  packageFileName,
  readDecoderPackage,
  signDecoder,
  signedText,
  verifyDecoderSignature,
  writeDecoderPackage,
} from "../../src/contract/decoder-package.ts";

const manifest = { key: "acme-meter", name: "ACME meter", version: "1.2.3" };
const source = "export default { decode: () => ({ success: true }) };\n";
const vector = { name: "nothing", value: "08 FD", result: { success: true } };
/** RFC 8410 section 10.3: a private key in PEM, and the public key of it. */
const PRIVATE_KEY = [
  "-----BEGIN PRIVATE KEY-----",
  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC",
  "-----END PRIVATE KEY-----",
].join("\n");
const PUBLIC_KEY = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

/** Code, field and rule of a refusal. */
function refusal(run: () => unknown): { code: string; field: unknown; rule: unknown } {
  try {
    run();
  } catch (error) {
    assert.instanceOf(error, MooringError);
    return { code: error.code, field: error.details["field"], rule: error.details["rule"] };
  }
  return assert.fail("accepted");
}

const plain = (): DecoderPackage => buildDecoderPackage({ manifest, source });
const signed = (): DecoderPackage => buildDecoderPackage({ manifest, source, privateKey: PRIVATE_KEY });

describe("contract/decoder-package: canonical JSON", () => {
  it("RFC 8785 section 3.2.3: members in the order of their UTF-16 code units", () => {
    const value = { "€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, ö: 7 };
    assert.equal(canonicalJson(value), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  });

  it("has no blanks, keeps arrays in order and leaves out what is undefined", () => {
    assert.equal(canonicalJson({ b: [3, { d: null, c: undefined }], a: 1e30 }), '{"a":1e+30,"b":[3,{"d":null}]}');
  });
});

describe("contract/decoder-package: packages", () => {
  it("come back from their file as they were built, however the manifest's members are ordered", () => {
    const built = buildDecoderPackage({
      manifest,
      source,
      vectors: [vector],
      readme: "# ACME\n",
      privateKey: PRIVATE_KEY,
    });
    assert.deepEqual(readDecoderPackage(writeDecoderPackage(built)), built);
    assert.deepEqual(readDecoderPackage(new TextEncoder().encode(writeDecoderPackage(built))), built);
    const turned = { version: manifest.version, name: manifest.name, key: manifest.key };
    assert.equal(decoderChecksum(turned, source), built.checksum);
    assert.equal(packageFileName(manifest), "acme-meter-1.2.3.mooring.json");
  });

  it("sign key, version and the hashes of manifest and source, which the checksum is of as well", () => {
    const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
    const canonical = '{"key":"acme-meter","name":"ACME meter","version":"1.2.3"}';
    const text = `mooring-decoder-v1\nacme-meter\n1.2.3\n${hash(canonical)}\n${hash(source)}`;
    assert.equal(signedText(manifest, source), text);
    assert.equal(decoderChecksum(manifest, source), `sha256:${hash(text)}`);
  });

  it("are refused by field and rule", () => {
    const built = signed();
    const { checksum: _, ...withoutChecksum } = built;
    const cases: [unknown, string, string, RegExp][] = [
      [[], "VALIDATION", "body", /must be object/],
      [withoutChecksum, "VALIDATION", "checksum", /is missing/],
      [{ ...built, format: 2 }, "VALIDATION", "format", /must be one of 1/],
      [{ ...built, more: 1 }, "VALIDATION", "more", /is not known here/],
      [{ ...built, manifest: { ...manifest, version: "1" } }, "VALIDATION", "manifest.version", /pattern/],
      [{ ...built, language: "typescript" }, "VALIDATION", "language", /must be one of javascript/],
      [{ ...built, source: `${source} ` }, "VALIDATION", "checksum", /is not that of this manifest and source/],
      [{ ...built, source: "\ud800" }, "VALIDATION", "source", /well-formed/],
      [{ ...built, checksum: "sha256:00" }, "VALIDATION", "checksum", /64 digits/],
      [{ ...built, vectors: [{ ...vector, value: "abc" }] }, "VALIDATION", "vectors[0].value", /two digits each/],
      [{ ...built, vectors: [{ name: "a", value: "" }] }, "VALIDATION", "vectors[0].result", /is missing/],
      [
        { ...built, signature: { ...built.signature, value: "AA==" } },
        "VALIDATION",
        "signature.value",
        /is not the signature/,
      ],
      [
        { ...built, signature: { ...built.signature, publicKey: "AA==" } },
        "VALIDATION",
        "signature.publicKey",
        /cannot be read/,
      ],
    ];
    for (const [value, code, field, rule] of cases) {
      const refused = refusal(() => checkDecoderPackage(value));
      assert.deepInclude(refused, { code, field });
      assert.match(String(refused.rule), rule);
    }
  });

  it("have limits: of the file, of the source and of the README", () => {
    const over = "x".repeat(DECODER_PACKAGE_LIMITS.source + 1);
    assert.deepInclude(
      refusal(() => buildDecoderPackage({ manifest, source: over })),
      { code: "TOO_LARGE", field: "source" },
    );
    const readme = "ä".repeat(DECODER_PACKAGE_LIMITS.readme / 2 + 1);
    assert.deepInclude(
      refusal(() => buildDecoderPackage({ manifest, source, readme })),
      { code: "TOO_LARGE", field: "readme" },
    );
    const file = " ".repeat(DECODER_PACKAGE_LIMITS.file + 1);
    assert.deepInclude(
      refusal(() => readDecoderPackage(file)),
      { code: "TOO_LARGE", field: "file" },
    );
    assert.deepInclude(
      refusal(() => readDecoderPackage(new TextEncoder().encode(file))),
      { code: "TOO_LARGE", field: "file" },
    );
  });

  it("that are no JSON, or no UTF-8, are malformed", () => {
    assert.equal(refusal(() => readDecoderPackage("{")).code, "MALFORMED");
    assert.equal(refusal(() => readDecoderPackage(new Uint8Array([0x22, 0xff, 0x22]))).code, "MALFORMED");
  });
});

describe("contract/decoder-package: signatures", () => {
  it("RFC 8410 section 10: keys are read and written in the standard's forms", () => {
    assert.equal(signDecoder(manifest, source, PRIVATE_KEY).publicKey, PUBLIC_KEY);
  });

  it("hold for their manifest and source, and for no other", () => {
    const { signature } = signed();
    verifyDecoderSignature(manifest, source, signature!);
    const others = [
      { ...manifest, version: "1.2.4" },
      { ...manifest, publisher: "ACME" },
    ];
    for (const other of others) {
      assert.equal(refusal(() => verifyDecoderSignature(other, source, signature!)).field, "signature.value");
    }
    assert.equal(refusal(() => verifyDecoderSignature(manifest, `${source}//`, signature!)).field, "signature.value");
  });

  it("are checked against the keys that a host knows", () => {
    const other = generateSigningKey();
    assertKnownKey(signed().signature, [other.publicKey, PUBLIC_KEY]);
    assert.equal(refusal(() => assertKnownKey(signed().signature, [other.publicKey])).field, "signature.publicKey");
    assert.equal(refusal(() => assertKnownKey(plain().signature, [PUBLIC_KEY])).field, "signature");
    const made = signDecoder(manifest, source, other.privateKey);
    assert.equal(made.publicKey, other.publicKey);
    assertKnownKey(made, [other.publicKey]);
  });

  it("refuse keys of another kind", () => {
    const { privateKey, publicKey } = generateKeyPairSync("x25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    assert.match(String(refusal(() => signDecoder(manifest, source, pem)).rule), /must be an Ed25519 key, not x25519/);
    assert.match(String(refusal(() => signDecoder(manifest, source, "no key")).rule), /cannot be read/);
    const der = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    const signature = { ...signed().signature!, publicKey: der };
    assert.match(
      String(refusal(() => verifyDecoderSignature(manifest, source, signature)).rule),
      /must be an Ed25519 key/,
    );
  });
});
