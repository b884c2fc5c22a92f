import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { toHex } from "../../src/base/bytes.ts";
import { MooringError } from "../../src/base/errors.ts";
import { createLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { loadSecretKey } from "../../src/config/secret-key.ts";

describe("config/secret-key", () => {
  const parts = { random: createSeededRandom(7), log: createLog("silent") };
  let folder: string;
  const load = (secrets: { key?: string; keyFile?: string } = {}): Uint8Array =>
    loadSecretKey(
      { secrets: { key: undefined, keyFile: undefined, ...secrets }, data: { dir: join(folder, "data") } },
      parts,
    );

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mooring-key-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function refusal(secrets: { key?: string; keyFile?: string }): MooringError {
    try {
      load(secrets);
    } catch (error) {
      if (error instanceof MooringError) return error;
      throw error;
    }
    return assert.fail("not refused");
  }

  it("is made at the first start, for its owner alone, and found at the next", () => {
    const first = load();
    const file = join(folder, "data", "secret.key");
    assert.equal(readFileSync(file, "utf8").trim(), toHex(first));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(load(), first);
  });

  it("comes from the option before any file", () => {
    load();
    assert.equal(toHex(load({ key: "11".repeat(32) })), "11".repeat(32));
  });

  it("comes from a named file, which must exist and hold enough", () => {
    const keyFile = join(folder, "k");
    assert.include(refusal({ keyFile }).message, "does not exist");
    writeFileSync(keyFile, "22".repeat(32));
    assert.equal(toHex(load({ keyFile })), "22".repeat(32));
    writeFileSync(keyFile, "short\n");
    assert.equal(refusal({ keyFile }).code, "CONFIG_INVALID");
    assert.include(refusal({ keyFile }).message, "16 characters");
    assert.include(refusal({ keyFile: folder }).message, "cannot be read");
  });
});
