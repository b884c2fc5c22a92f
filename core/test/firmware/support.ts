/** Firmware for tests. */
import { createSeededRandom } from "../../src/base/random.ts";
import type { Platform, StoredBinary } from "../../src/platform/platform.ts";
import { TENANT } from "../platform/fixture.ts";

export const firmwareBytes = (length: number, seed = 1): Uint8Array => createSeededRandom(seed).bytes(length);

/** Stores {@link firmwareBytes} as a binary. */
export async function storeBinary(platform: Platform, length: number, tenant = TENANT): Promise<StoredBinary> {
  await using upload = await platform.binaries.begin(tenant);
  await upload.write(firmwareBytes(length));
  const { id } = await upload.create({ body: { name: "fw.bin" }, owner: "admin" });
  return await platform.binaries.open(tenant, id);
}
