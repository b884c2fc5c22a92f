import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import { hashPassword, SCRYPT_PARAMETERS, verifyPassword } from "../../src/tenants/password.ts";

describe("tenants/password", () => {
  it("RFC 7914 section 12: the second vector verifies", async () => {
    const hash = Buffer.from("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162", "hex");
    const salt = Buffer.from("NaCl").toString("base64url");
    const stored = `scrypt$1024$8$16$${salt}$${hash.toString("base64url")}`;
    assert.isTrue(await verifyPassword("password", stored));
    assert.isFalse(await verifyPassword("passwort", stored));
  });

  it("stores its parameters and a salt of its own", async () => {
    const random = createSeededRandom(1);
    const [first, second] = [await hashPassword("secret 1", random), await hashPassword("secret 1", random)];
    const { N, r, p } = SCRYPT_PARAMETERS;
    assert.isTrue(first.startsWith(`scrypt$${N}$${r}$${p}$`));
    assert.notEqual(first, second);
    assert.isTrue(await verifyPassword("secret 1", first));
    assert.isTrue(await verifyPassword("secret 1", second));
    assert.isFalse(await verifyPassword("secret 2", first));
  });

  it("matches nothing against what is no hash of ours", async () => {
    for (const stored of [
      "",
      "secret",
      "scrypt$1$8",
      "bcrypt$16384$8$1$AAAA$AAAA",
      "scrypt$1000$8$1$AAAA$AAAA",
      "scrypt$16384$0$1$AAAA$AAAA",
    ]) {
      assert.isFalse(await verifyPassword("secret", stored));
    }
  });
});
