import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateSigningKey, MooringError, readDecoderPackage, writeDecoderPackage } from "@mooring/sdk";
import { readVectorDocuments } from "@mooring/sdk/harness";
import { packDecoder } from "@mooring/sdk/pack";
import { assert } from "chai";

const ACME = fileURLToPath(new URL("../../../decoders/acme-meter", import.meta.url));

describe("sdk/pack: packages", () => {
  it("hold manifest, JavaScript, vectors and README of the folder, signed where there is a key", async () => {
    const { privateKey, publicKey } = generateSigningKey();
    const packed = await packDecoder(ACME, { privateKey });
    assert.equal(packed.manifest.key, "acme-meter");
    assert.deepEqual(packed.vectors, readVectorDocuments(join(ACME, "vectors")));
    assert.match(packed.readme!, /^# ACME meter/);
    assert.notMatch(packed.source, /^import\b|satisfies/m);
    assert.equal(packed.signature?.publicKey, publicKey);
    assert.deepEqual(readDecoderPackage(writeDecoderPackage(packed)), packed);
    assert.isUndefined((await packDecoder(ACME)).signature);
  });

  it("are refused where a vector or the manifest is wrong, by file and field", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mooring-pack-"));
    try {
      cpSync(ACME, folder, { recursive: true });
      writeFileSync(join(folder, "vectors/a.json"), '{ "name": "a", "value": "1" , "result": {} }');
      const failure = await packDecoder(folder).catch((error: unknown) => error as MooringError);
      assert.instanceOf(failure, MooringError);
      assert.match(failure.message, /^vector file a\.json: value must be bytes/);
      writeFileSync(join(folder, "manifest.json"), '{ "key": "ACME", "name": "a", "version": "1.0.0" }');
      const second = await packDecoder(folder).catch((error: unknown) => error as MooringError);
      assert.match((second as MooringError).message, /manifest\.json: key must match pattern/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
