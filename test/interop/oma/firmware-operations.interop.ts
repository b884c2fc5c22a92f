/** OMA's cases of Firmware Update with Leshan's client, where the host does all steps of one operation by itself. */
import { assert } from "chai";
import { awaitOperation, expectStatus } from "../../harness/agent.ts";
import { managedObject } from "../../harness/documents.ts";
import { storeImage, updateFirmware } from "../../harness/firmware.ts";
import { firmwareImage, type ImageOptions, type ImageServer, openImageServer } from "./firmware-images.ts";
import { withLeshan } from "./with-leshan.ts";

const VERSION = "2.0.0";

describe("interop/OMA: Firmware Update by operation", () => {
  const leshan = withLeshan({ endpoint: "oma-firmware-operations" });
  let server: ImageServer;
  before(async () => {
    server = await openImageServer(firmwareImage({ version: VERSION }));
  });
  after(() => server[Symbol.asyncDispose]());
  beforeEach(() => leshan.restarted());

  const deliverBy = async (method: "PUSH" | "PULL"): Promise<void> => {
    const settings = { fwUpdateDeliveryMethod: method, fwUpdateSupportedDeviceProtocol: "HTTP" };
    const { api, deviceId } = leshan.operator;
    expectStatus(await api.put(`/inventory/managedObjects/${deviceId}`, settings), 200, "choosing the delivery");
  };
  const imageUrl = async (options: Partial<ImageOptions> = {}): Promise<string> => {
    const bytes = Uint8Array.from(firmwareImage({ version: VERSION, ...options }));
    return `${leshan.suite.host.http}/inventory/binaries/${await storeImage(leshan.suite.api, bytes)}`;
  };
  const update = async (url: string) => {
    const { id } = await updateFirmware(leshan.suite.api, leshan.operator.deviceId, url, VERSION);
    return awaitOperation(leshan.suite.api, id, 30_000);
  };

  for (const [id, method] of [
    [770, "PUSH"],
    [771, "PULL"],
  ] as const) {
    it(`OMA ${id}: ${method}: the operation is SUCCESSFUL when the device has registered with the new version`, async () => {
      await deliverBy(method);
      const registrations = leshan.told("registered").length;
      const url = await imageUrl();
      const { status, failureReason } = await update(url);
      assert.equal(status, "SUCCESSFUL", failureReason);
      assert.isAbove(leshan.told("registered").length, registrations);
      const { c8y_Firmware } = await managedObject(leshan.suite.api, leshan.operator.deviceId);
      assert.deepEqual(c8y_Firmware, { name: "fw", version: VERSION, url });
      assert.deepEqual(await leshan.operator.read("/3/0/3"), { "/3/0/3": VERSION });
    });
  }

  for (const [id, result, url] of [
    [773, 2, () => imageUrl({ bytes: 7000 })],
    [774, 3, () => imageUrl({ ramKib: 128 })],
    [775, 4, async () => server.brokenUri],
    [776, 5, () => imageUrl({ isCorrupt: true })],
    [777, 6, () => imageUrl({ isImage: false })],
    [778, 7, async () => server.absentUri],
    [779, 8, () => imageUrl({ installs: false })],
  ] as const) {
    const method = id === 775 || id === 778 ? "PULL" : "PUSH";
    it(`OMA ${id}: ${method}: Update Result ${result} is FAILED with its reason, the version is what it was`, async () => {
      await deliverBy(method);
      const { status, failureReason } = await update(await url());
      assert.equal(status, "FAILED");
      assert.match(failureReason!, new RegExp(`^Update Result ${result}: [a-z]`, "i"));
      assert.deepEqual(await leshan.operator.read("/3/0/3"), { "/3/0/3": "1.0.0" });
    });
  }
});
