/** Scripts as they are written for ChirpStack 4 and The Things Stack 3, each in a folder of its own, run in the sandbox unchanged. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MooringError } from "@mooring/core";
import { assert } from "chai";
import { createFakeDevice, openSandboxedDecoder, runVectors, type SandboxedDecoder } from "../src/harness/index.ts";
import { packDecoder } from "../src/pack/index.ts";

const scripts = fileURLToPath(new URL("uplink", import.meta.url));
const device = createFakeDevice();

async function failureOf(decoder: SandboxedDecoder, ...bytes: number[]): Promise<string> {
  try {
    await decoder.decode(device.decoderInput(device.value("/33456/0/123", Uint8Array.from(bytes))));
  } catch (error) {
    if (error instanceof MooringError) return error.message;
    throw error;
  }
  return assert.fail("decoded");
}

describe("scripts with decodeUplink, unchanged", () => {
  for (const name of readdirSync(scripts)) {
    describe(name, () => {
      let decoder: SandboxedDecoder;
      before(async () => {
        decoder = await openSandboxedDecoder(join(scripts, name));
      });
      after(() => decoder?.[Symbol.asyncDispose]());
      runVectors(() => decoder, join(scripts, name, "vectors"));

      it("is packed as it is", async () => {
        const { source, manifest } = await packDecoder(join(scripts, name));
        assert.equal(source, readFileSync(join(scripts, name, "src/decoder.js"), "utf8"));
        assert.match(String(manifest.format), /^(chirpstack-v4|ttn-v3)$/);
      });

      if (name === "chirpstack-lpp")
        it("tells what was thrown, and the line of the script", async () => {
          assert.match(await failureOf(decoder, 1, 9), /\(threw\): Error: Sensor type error!: 9 \(line 25\)$/);
        });
      if (name === "ttn-throwing")
        it("tells what was thrown, whatever it is, and a loop that never ends", async () => {
          const unknown = /\(threw\): TypeError: Cannot read properties of undefined \(reading 'name'\) \(line 9\)$/;
          assert.match(await failureOf(decoder, 9), unknown);
          assert.match(await failureOf(decoder, 2), /\(threw\): thrown: a text$/);
          assert.match(await failureOf(decoder, 3), /\(timeout\)/);
          assert.match(await failureOf(decoder, 6), /\(timeout\)/);
          assert.match(await failureOf(decoder, 9), unknown);
        });
    });
  }
});
