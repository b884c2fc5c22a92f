/** A push over DTLS through a network that loses, its host killed in the middle. MOORING_TEST_SCALE=full: 1 MiB. */
import { assert } from "chai";
import { createSeededRandom } from "../../core/src/base/random.ts";
import { awaitOperation, registerPskDevice } from "../harness/agent.ts";
import { api } from "../harness/api.ts";
import { within } from "../harness/eventually.ts";
import { firmwareUpdates, storeImage, updateFirmware } from "../harness/firmware.ts";
import { startHost } from "../harness/host.ts";
import { openNatProxy } from "../harness/nat-proxy.ts";
import { atScale } from "../harness/scale.ts";
import { openFirmwareDevice } from "../simulator/firmware-device.ts";

const KEY = "a-key-of-16-byte";
const PUSH = 1;
const BLOCK = 512;
const IMAGE_BYTES = atScale(64 * 1024, 1024 * 1024);
const WITHIN_MS = atScale(60_000, 300_000);

describe("a push over DTLS through a network that loses one datagram of ten, the host killed at 60 %", () => {
  it("goes on with the block that was on its way; no other is sent again", async function () {
    this.timeout(2 * WITHIN_MS);
    await using host = await startHost({
      env: { MOORING_TRANSMISSION_ACK_TIMEOUT_MS: "100", MOORING_TRANSMISSION_EMPTY_ACK_AFTER_MS: "50" },
    });
    const client = api(host);
    const image = Buffer.from(createSeededRandom(2).bytes(IMAGE_BYTES));
    const url = `/inventory/binaries/${await storeImage(client, image)}`;
    const { id: deviceId } = await registerPskDevice(client, { endpoint: "lossy", key: KEY });
    await using nat = await openNatProxy({ serverPort: host.coapsPort, keeps: false, faults: {} });
    await using device = await openFirmwareDevice({
      endpoint: "lossy",
      serverPort: nat.port,
      psk: { identity: "lossy", key: Buffer.from(KEY) },
      method: PUSH,
      ackTimeoutMs: 200,
    });
    await device.connect();
    // By chance alone one block in thousands would be lost five times in a row, which ends its transmission, and sometimes no answer at all.
    nat.setFaults({ losesOneOf: 10 });
    const reached = device.whenReceived(IMAGE_BYTES * 0.6);
    const { id } = await updateFirmware(client, deviceId, url);
    await within(reached, WITHIN_MS, "60 % of the image");
    await host.kill();
    const atKill = device.blocks.length;
    const repeatedBefore = device.repeated;
    await host.start();
    const { status, failureReason } = await awaitOperation(client, id, WITHIN_MS);
    assert.equal(status, "SUCCESSFUL", failureReason);
    assert.isTrue(device.packages[0]?.equals(image));
    assert.isAtLeast(atKill, Math.floor((IMAGE_BYTES * 0.6) / BLOCK));
    assert.deepEqual(
      device.blocks,
      Array.from({ length: Math.ceil(IMAGE_BYTES / BLOCK) }, (_, num) => num),
    );
    assert.equal(device.misplaced, 0, "no block came again as another message");
    assert.isAbove(device.repeated, repeatedBefore, "the network did lose something");
    const [shown] = await firmwareUpdates(client, deviceId);
    assert.include(
      shown!.timeline.map(({ text }) => text),
      "the host was started anew",
    );
  });
});
