import { type CipherCCMTypes, createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import { assert } from "chai";
import { concatBytes, EMPTY_BYTES, fromHex, toHex } from "../../../src/base/bytes.ts";
import { type AeadKeys, createAeadProtection } from "../../../src/transport/dtls/aead-protection.ts";
import { CONTENT, type RecordView } from "../../../src/transport/dtls/records.ts";
import { everyBitFlipped, recordOf } from "./support/protection-parameters.ts";

const KEY = fromHex("000102030405060708090a0b0c0d0e0f");
const SALT = "f1f2f3f4";
const CID = fromHex("aabbcc");
const CONTENT_HEX = "5801002a";

const MODES = [
  { name: "CCM_8 (RFC 6655)", cipher: "aes-128-ccm", tagBytes: 8 },
  { name: "CCM (RFC 6655)", cipher: "aes-128-ccm", tagBytes: 16 },
  { name: "GCM (RFC 5288)", cipher: "aes-128-gcm", tagBytes: 16 },
] as const;

const keysOf = ({ cipher, tagBytes }: Pick<AeadKeys, "cipher" | "tagBytes">): AeadKeys => ({
  cipher,
  tagBytes,
  key: createSecretKey(KEY),
  salt: Number.parseInt(SALT, 16),
});

/** Ciphertext and tag, with every field spelled out by the caller. */
function encrypted(mode: (typeof MODES)[number], nonce: string, aad: string, plaintext: string): string {
  const cipher = createCipheriv(mode.cipher as CipherCCMTypes, KEY, fromHex(nonce), { authTagLength: mode.tagBytes });
  cipher.setAAD(fromHex(aad), { plaintextLength: plaintext.length / 2 });
  const text = cipher.update(fromHex(plaintext));
  cipher.final();
  return toHex(concatBytes([text, cipher.getAuthTag()]));
}

for (const mode of MODES) {
  describe(`transport/dtls/aead-protection ${mode.name}`, () => {
    const protection = createAeadProtection(keysOf(mode), CID.length);
    const sealed = protection.seal(CONTENT.applicationData, 1, 0x0102030405, EMPTY_BYTES, fromHex(CONTENT_HEX));
    const sealedWithCid = protection.seal(CONTENT.applicationData, 1, 0x0102030405, CID, fromHex(CONTENT_HEX));
    const hexOfLength = (bytes: number): string => bytes.toString(16).padStart(4, "0");

    it("RFC 5246 section 6.2.3.3: the record is what the section spells out", () => {
      const sequence = "0001000102030405";
      const text = encrypted(mode, `${SALT}${sequence}`, `${sequence}17fefd0004`, CONTENT_HEX);
      const fragment = `${sequence}${text}`;
      assert.equal(toHex(sealed), `17fefd${sequence}${hexOfLength(fragment.length / 2)}${fragment}`);
    });

    it("RFC 9146 section 5.3: so is the one with a Connection ID", () => {
      const sequence = "0001000102030405";
      const aad = `ffffffffffffffff190319fefd${sequence}aabbcc0005`;
      const fragment = `${sequence}${encrypted(mode, `${SALT}${sequence}`, aad, `${CONTENT_HEX}17`)}`;
      assert.equal(toHex(sealedWithCid), `19fefd${sequence}aabbcc${hexOfLength(fragment.length / 2)}${fragment}`);
    });

    it("the whole record decrypts with node:crypto alone", () => {
      const decipher = createDecipheriv(mode.cipher as CipherCCMTypes, KEY, fromHex(`${SALT}0001000102030405`), {
        authTagLength: mode.tagBytes,
      });
      decipher.setAuthTag(sealed.subarray(-mode.tagBytes));
      decipher.setAAD(fromHex("000100010203040517fefd0004"), { plaintextLength: 4 });
      assert.equal(decipher.update(sealed.subarray(21, -mode.tagBytes)).toString("hex"), CONTENT_HEX);
      decipher.final();
    });

    it("takes the explicit nonce from the record, whatever the peer makes it of", () => {
      const nonce = "8877665544332211";
      const fragment = fromHex(`${nonce}${encrypted(mode, SALT + nonce, "000100000000000917fefd0004", CONTENT_HEX)}`);
      const opened = protection.open({ type: 23, epoch: 1, sequence: 9, cid: EMPTY_BYTES, fragment });
      assert.equal(toHex(opened!.content), CONTENT_HEX);
    });

    for (const [name, bytes, cidLength] of [
      ["without Connection ID", sealed, 0],
      ["with Connection ID", sealedWithCid, 3],
    ] as const) {
      const record = recordOf(bytes, cidLength);

      it(`${name}: opens`, () => {
        assert.equal(toHex(protection.open(record)!.content), CONTENT_HEX);
        assert.equal(protection.open(record)!.type, CONTENT.applicationData);
      });

      it(`${name}: no change of one bit of the fragment opens`, () => {
        for (const fragment of everyBitFlipped(record.fragment)) {
          assert.isUndefined(protection.open({ ...record, fragment }));
        }
      });

      it(`${name}: nothing that is cut, or has a byte more, opens`, () => {
        for (let length = 0; length < record.fragment.length; length++) {
          assert.isUndefined(protection.open({ ...record, fragment: record.fragment.subarray(0, length) }));
          assert.isUndefined(protection.open({ ...record, fragment: record.fragment.subarray(length + 1) }));
        }
        assert.isUndefined(protection.open({ ...record, fragment: concatBytes([record.fragment, Uint8Array.of(0)]) }));
      });

      it(`${name}: nothing of the header can be another`, () => {
        const changes: Partial<RecordView>[] = [
          { type: CONTENT.alert },
          { type: CONTENT.handshake },
          { epoch: 2 },
          { epoch: 0 },
          { sequence: record.sequence + 1 },
          { sequence: record.sequence + 2 ** 32 },
          { type: cidLength === 0 ? CONTENT.cid : CONTENT.applicationData },
          ...(cidLength === 0 ? [] : [{ cid: fromHex("aabbcd") }, { cid: fromHex("aabb") }, { cid: EMPTY_BYTES }]),
        ];
        for (const change of changes) assert.isUndefined(protection.open({ ...record, ...change }));
      });
    }

    for (const [name, cid] of [
      ["without Connection ID", EMPTY_BYTES],
      ["with Connection ID", CID],
    ] as const) {
      it(`${name}: an empty content, and the longest one`, () => {
        const longest = 2 ** 14 - (cid.length > 0 ? 1 : 0);
        for (const length of [0, 1, longest]) {
          const bytes = protection.seal(CONTENT.applicationData, 1, 5, cid, new Uint8Array(length).fill(7));
          const opened = protection.open(recordOf(bytes, cid.length));
          assert.equal(opened?.type, CONTENT.applicationData);
          assert.equal(opened?.content.length, length);
          assert.isTrue(opened?.content.every(byte => byte === 7));
        }
      });
    }

    it("RFC 5246 section 6.2.3: an authentic record of 2^14 + 1 bytes is refused", () => {
      const text = encrypted(mode, `${SALT}0001000000000001`, "000100000000000117fefd4001", "00".repeat(2 ** 14 + 1));
      const fragment = fromHex(`0001000000000001${text}`);
      assert.isUndefined(protection.open({ type: 23, epoch: 1, sequence: 1, cid: EMPTY_BYTES, fragment }));
    });

    it("RFC 9146 section 4: zeros behind the type are taken off; only zeros are not authentic", () => {
      const withInner = (inner: string): RecordView => {
        const length = hexOfLength(inner.length / 2);
        const aad = `ffffffffffffffff190319fefd0001000000000001aabbcc${length}`;
        const fragment = fromHex(`0001000000000001${encrypted(mode, `${SALT}0001000000000001`, aad, inner)}`);
        return { type: CONTENT.cid, epoch: 1, sequence: 1, cid: CID, fragment };
      };
      const opened = protection.open(withInner(`${CONTENT_HEX}170000`));
      assert.equal(opened?.type, CONTENT.applicationData);
      assert.equal(toHex(opened!.content), CONTENT_HEX);
      assert.isUndefined(protection.open(withInner("000000")));
      assert.isUndefined(protection.open(withInner("")));
      assert.isUndefined(protection.open(withInner(`${CONTENT_HEX}19`)));
    });

    it("another key or another salt opens nothing", () => {
      const record = recordOf(sealed);
      const keys = keysOf(mode);
      assert.isUndefined(createAeadProtection({ ...keys, salt: keys.salt ^ 1 }, 0).open(record));
      const key = createSecretKey(KEY.with(0, 1));
      assert.isUndefined(createAeadProtection({ ...keys, key }, 0).open(record));
    });
  });
}
