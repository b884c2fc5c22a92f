import { createCipheriv, createHmac, createSecretKey } from "node:crypto";
import { assert } from "chai";
import { concatBytes, EMPTY_BYTES, fromHex, toHex } from "../../../src/base/bytes.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { createCbcProtection } from "../../../src/transport/dtls/cbc-protection.ts";
import { CONTENT, type RecordView } from "../../../src/transport/dtls/records.ts";
import { everyBitFlipped, recordOf } from "./support/protection-parameters.ts";

const KEY = fromHex("000102030405060708090a0b0c0d0e0f");
const MAC_KEY = fromHex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf");
const IV = "1112131415161718191a1b1c1d1e1f20";
const CID = fromHex("aabbcc");
const CONTENT_HEX = "5801002a";
const SEQUENCE = "0001000102030405";
const RECORD = { type: CONTENT.applicationData, epoch: 1, sequence: 0x0102030405, cid: EMPTY_BYTES } as const;

const protectionOf = (encryptThenMac: boolean, cidBytes = 0) =>
  createCbcProtection({ key: createSecretKey(KEY), macKey: createSecretKey(MAC_KEY) }, encryptThenMac, cidBytes, {
    bytes: () => fromHex(IV),
  });

function encrypted(padded: string): string {
  const cipher = createCipheriv("aes-128-cbc", KEY, fromHex(IV)).setAutoPadding(false);
  return cipher.update(padded, "hex", "hex") + cipher.final("hex");
}

const mac = (data: string): string => createHmac("sha256", MAC_KEY).update(data, "hex").digest("hex");
const lengthOf = (hex: string): string => (hex.length / 2).toString(16).padStart(4, "0");
/** `count` bytes of padding and the count. */
const padding = (count: number): string =>
  count
    .toString(16)
    .padStart(2, "0")
    .repeat(count + 1);

/** A fragment of MAC-then-encrypt, whose end the caller chooses. */
const macThenEncrypted = (content: string, end: string): Uint8Array =>
  fromHex(IV + encrypted(content + mac(`${SEQUENCE}17fefd${lengthOf(content)}${content}`) + end));

describe("transport/dtls/cbc-protection MAC-then-encrypt (RFC 5246 section 6.2.3.2)", () => {
  const protection = protectionOf(false);

  it("the record is what the section spells out", () => {
    const fragment = toHex(macThenEncrypted(CONTENT_HEX, padding(11)));
    const sealed = protection.seal(RECORD.type, RECORD.epoch, RECORD.sequence, EMPTY_BYTES, fromHex(CONTENT_HEX));
    assert.equal(toHex(sealed), `17fefd${SEQUENCE}${lengthOf(fragment)}${fragment}`);
  });

  it("RFC 9146 section 5.1: so is the one with a Connection ID", () => {
    const inner = `${CONTENT_HEX}17`;
    const tag = mac(`ffffffffffffffff190319fefd${SEQUENCE}aabbcc0005${inner}`);
    const fragment = IV + encrypted(inner + tag + padding(10));
    const sealed = protectionOf(false, 3).seal(RECORD.type, 1, RECORD.sequence, CID, fromHex(CONTENT_HEX));
    assert.equal(toHex(sealed), `19fefd${SEQUENCE}aabbcc${lengthOf(fragment)}${fragment}`);
  });

  it("opens every length of padding that a peer may choose", () => {
    for (let count = 11; count < 256; count += 16) {
      const opened = protection.open({ ...RECORD, fragment: macThenEncrypted(CONTENT_HEX, padding(count)) });
      assert.equal(toHex(opened!.content), CONTENT_HEX, `${count} bytes`);
    }
  });

  const wrongMac = `${mac("00").slice(0, 62)}00`;
  const FORGED: readonly [name: string, fragment: Uint8Array][] = [
    ["a wrong MAC, good padding", fromHex(IV + encrypted(CONTENT_HEX + wrongMac + padding(11)))],
    ["a good MAC, one wrong byte of padding", macThenEncrypted(CONTENT_HEX, `0a${padding(11).slice(2)}`)],
    ["a good MAC, padding that counts one too many", macThenEncrypted(CONTENT_HEX, `${"0b".repeat(11)}0c`)],
    ["a good MAC, padding that counts one too few", macThenEncrypted(CONTENT_HEX, `${"0b".repeat(11)}0a`)],
    ["padding longer than the record", macThenEncrypted(CONTENT_HEX, "ff".repeat(12))],
    ["padding that would leave no MAC", fromHex(IV + encrypted(padding(47)))],
    ["a good MAC where it stands if wrong padding counts as none", macThenEncrypted("77".repeat(15), "ff")],
    ["padding of the last byte only", macThenEncrypted(CONTENT_HEX, "00".repeat(12))],
    ["a MAC over another length", fromHex(IV + encrypted(CONTENT_HEX + mac(`${SEQUENCE}17fefd0005`) + padding(11)))],
    ["encrypt-then-MAC, which was not agreed", protectionOf(true).seal(23, 1, 5, EMPTY_BYTES, KEY).subarray(13)],
    ["no blocks", fromHex(IV)],
    ["too few blocks for a MAC", fromHex(IV + encrypted("00".repeat(32)))],
    ["half a block", macThenEncrypted(CONTENT_HEX, padding(11)).subarray(0, -8)],
    ["nothing", EMPTY_BYTES],
  ];
  for (const [name, fragment] of FORGED) {
    it(`refuses in the one way: ${name}`, () => assert.isUndefined(protection.open({ ...RECORD, fragment })));
  }
});

describe("transport/dtls/cbc-protection encrypt-then-MAC (RFC 7366 section 3)", () => {
  const protection = protectionOf(true);

  it("the record is what the section and its erratum 4212 spell out", () => {
    const text = IV + encrypted(CONTENT_HEX + padding(11));
    const fragment = text + mac(`${SEQUENCE}17fefd${lengthOf(text)}${text}`);
    const sealed = protection.seal(RECORD.type, RECORD.epoch, RECORD.sequence, EMPTY_BYTES, fromHex(CONTENT_HEX));
    assert.equal(toHex(sealed), `17fefd${SEQUENCE}${lengthOf(fragment)}${fragment}`);
  });

  it("RFC 9146 section 5.2: so is the one with a Connection ID", () => {
    const text = IV + encrypted(`${CONTENT_HEX}17${padding(10)}`);
    const fragment = text + mac(`ffffffffffffffff190319fefd${SEQUENCE}aabbcc${lengthOf(text)}${text}`);
    const sealed = protectionOf(true, 3).seal(RECORD.type, 1, RECORD.sequence, CID, fromHex(CONTENT_HEX));
    assert.equal(toHex(sealed), `19fefd${SEQUENCE}aabbcc${lengthOf(fragment)}${fragment}`);
  });

  const withText = (text: string): Uint8Array => fromHex(text + mac(`${SEQUENCE}17fefd${lengthOf(text)}${text}`));

  it("opens every length of padding that a peer may choose", () => {
    for (let count = 11; count < 256; count += 16) {
      const opened = protection.open({ ...RECORD, fragment: withText(IV + encrypted(CONTENT_HEX + padding(count))) });
      assert.equal(toHex(opened!.content), CONTENT_HEX, `${count} bytes`);
    }
  });

  const FORGED: readonly [name: string, fragment: Uint8Array][] = [
    ["an authentic record with wrong padding", withText(IV + encrypted(`${CONTENT_HEX}00${padding(11).slice(2)}`))],
    ["an authentic record with padding past its start", withText(IV + encrypted("ff".repeat(16)))],
    ["an authentic record without blocks", withText(IV)],
    ["an authentic record without IV", withText("")],
    ["MAC-then-encrypt where it was not agreed", macThenEncrypted(CONTENT_HEX, padding(11))],
    ["a MAC alone", fromHex(mac(""))],
    ["less than a MAC", fromHex(mac("").slice(2))],
    ["nothing", EMPTY_BYTES],
  ];
  for (const [name, fragment] of FORGED) {
    it(`refuses: ${name}`, () => assert.isUndefined(protection.open({ ...RECORD, fragment })));
  }
});

for (const encryptThenMac of [false, true]) {
  for (const cid of [EMPTY_BYTES, CID]) {
    const name = `${encryptThenMac ? "encrypt-then-MAC" : "MAC-then-encrypt"} ${cid.length > 0 ? "with" : "without"} Connection ID`;
    describe(`transport/dtls/cbc-protection ${name}`, () => {
      const protection = protectionOf(encryptThenMac, cid.length);
      const record = recordOf(protection.seal(CONTENT.alert, 1, 7, cid, fromHex("0100")), cid.length);

      it("opens", () => {
        assert.equal(protection.open(record)?.type, CONTENT.alert);
        assert.equal(toHex(protection.open(record)!.content), "0100");
      });

      it("no change of one bit of the fragment opens", () => {
        for (const fragment of everyBitFlipped(record.fragment)) {
          assert.isUndefined(protection.open({ ...record, fragment }));
        }
      });

      it("nothing that is cut, or has a byte or block more, opens", () => {
        for (let length = 0; length < record.fragment.length; length++) {
          assert.isUndefined(protection.open({ ...record, fragment: record.fragment.subarray(0, length) }));
          assert.isUndefined(protection.open({ ...record, fragment: record.fragment.subarray(length + 1) }));
        }
        for (const more of [1, 16]) {
          const fragment = concatBytes([record.fragment, new Uint8Array(more)]);
          assert.isUndefined(protection.open({ ...record, fragment }));
        }
      });

      it("nothing of the header can be another", () => {
        const changes: Partial<RecordView>[] = [
          { type: record.type === CONTENT.cid ? CONTENT.alert : CONTENT.applicationData },
          { epoch: 2 },
          { sequence: 8 },
          { sequence: 7 + 2 ** 32 },
          ...(cid.length > 0 ? [{ cid: fromHex("aabbcd") }, { cid: EMPTY_BYTES }] : [{ type: CONTENT.cid }]),
        ];
        for (const change of changes) assert.isUndefined(protection.open({ ...record, ...change }));
      });

      it("every length around a block, and the longest", () => {
        const longest = 2 ** 14 - (cid.length > 0 ? 1 : 0);
        for (const length of [...Array(70).keys(), longest]) {
          const sealed = protection.seal(CONTENT.applicationData, 1, length, cid, new Uint8Array(length).fill(9));
          const opened = protection.open(recordOf(sealed, cid.length));
          assert.equal(opened?.content.length, length);
          assert.isTrue(opened?.content.every(byte => byte === 9));
        }
      });
    });
  }
}

describe("transport/dtls/cbc-protection", () => {
  it("RFC 5246 section 6.2.3.2: every record has an IV of its own", () => {
    const keys = { key: createSecretKey(KEY), macKey: createSecretKey(MAC_KEY) };
    const protection = createCbcProtection(keys, false, 0, createSeededRandom(1));
    const ivs = Array.from({ length: 50 }, (_, i) =>
      toHex(protection.seal(23, 1, i, EMPTY_BYTES, KEY).subarray(13, 29)),
    );
    assert.equal(new Set(ivs).size, ivs.length);
  });
});
