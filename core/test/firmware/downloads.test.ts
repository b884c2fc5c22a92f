import { assert } from "chai";
import { createSeededRandom } from "../../src/base/random.ts";
import {
  createFirmwareDownloads,
  type FirmwareDownloads,
  type FirmwareProgress,
} from "../../src/firmware/downloads.ts";
import type { StoredBinary } from "../../src/platform/platform.ts";
import { FIRMWARE_DOWNLOADS } from "../../src/store/collections/firmware.ts";
import { failing } from "../platform/failing.ts";
import { type PlatformFixture, perTest, TENANT } from "../platform/fixture.ts";
import { storeBinary } from "./support.ts";

const PORTS = { coap: 5783, coaps: 5784, http: 8773, https: 8774 };

describe("firmware/downloads", () => {
  let fixture: PlatformFixture;
  let deviceId: string;
  let downloads: FirmwareDownloads;
  let binary: StoredBinary;
  let operationId: string;

  /** As another process on the same store. */
  const open = (seed: number, address = "fw.example.com"): FirmwareDownloads => {
    const { store, platform, clock, log } = fixture;
    return createFirmwareDownloads({
      store,
      platform,
      clock,
      random: createSeededRandom(seed),
      log,
      address,
      ports: PORTS,
    });
  };
  const newOperation = async (): Promise<string> =>
    (await fixture.platform.operations.create(TENANT, { deviceId, c8y_Firmware: { name: "fw" } })).id;
  const end = (status = "SUCCESSFUL") => fixture.platform.operations.update(TENANT, operationId, { status });
  const offer = (from = downloads) => from.offer({ tenant: TENANT, deviceId, operationId, binary });
  const stored = (): Promise<number> => fixture.store.collection(FIRMWARE_DOWNLOADS).count({});

  perTest((opened, id) => {
    fixture = opened;
    deviceId = id;
  });
  beforeEach(async () => {
    binary = await storeBinary(fixture.platform, 100_000);
    operationId = await newOperation();
    downloads = open(1);
  });

  it("a URI for each protocol, with a token that nobody guesses", async () => {
    const { uri, token, length } = await offer();
    assert.match(token, /^[A-Za-z0-9_-]{22}$/);
    assert.equal(length, 100_000);
    assert.equal(uri("coap"), `coap://fw.example.com:5783/fw/${token}`);
    assert.equal(uri("coaps"), `coaps://fw.example.com:5784/fw/${token}`);
    assert.equal(uri("http"), `http://fw.example.com:8773/fw/${token}`);
    assert.equal(uri("https"), `https://fw.example.com:8774/fw/${token}`);
    const ipv6 = await offer(open(2, "2001:db8::1"));
    assert.equal(ipv6.uri("coap"), `coap://[2001:db8::1]:5783/fw/${token}`);
  });

  it("is the same token for the same operation, also from two that ask at once", async () => {
    const [one, other] = await Promise.all([offer(), offer(open(2))]);
    assert.equal(one.token, other.token);
    assert.equal((await offer()).token, one.token);
    assert.equal(await stored(), 1);
    operationId = await newOperation();
    assert.notEqual((await offer()).token, one.token);
  });

  it("20-20: another process, or the same one started anew, hands out the bytes", async () => {
    const { token } = await offer();
    const served = await open(9).find(token);
    assert.deepInclude(served, { tenant: TENANT, deviceId, operationId, length: 100_000, sha256: binary.sha256 });
    assert.deepEqual(await served!.read("http", 65_000, 2000), await binary.read(65_000, 2000));
  });

  it("tells what was handed out, and keeps how far it came", async () => {
    const told: FirmwareProgress[] = [];
    using _listener = downloads.onProgress(progress => void told.push(progress));
    const { token } = await offer();
    const served = (await downloads.find(token))!;
    await served.read("coap", 0, 512);
    await served.read("coap", 0, 512);
    await served.read("coap", 99_900, 512);
    assert.deepEqual(
      told.map(({ reachedBytes, sentBytes }) => [reachedBytes, sentBytes]),
      [
        [512, 512],
        [512, 1024],
        [100_000, 1124],
      ],
    );
    assert.deepInclude(told[0], { tenant: TENANT, deviceId, operationId, protocol: "coap", length: 100_000 });
    assert.equal((await fixture.store.collection(FIRMWARE_DOWNLOADS).findOne({}))?.reached, 100_000);
    using _other = downloads.onProgress(() => assert.fail("a listener that throws"));
    assert.lengthOf(await served.read("coap", 0, 100), 100);
  });

  it("is nothing to anybody once it is withdrawn", async () => {
    const { token } = await offer();
    const served = (await downloads.find(token))!;
    await downloads.withdraw(operationId);
    await downloads.withdraw(operationId);
    assert.isUndefined(await downloads.find(token));
    assert.equal((await failing("NOT_FOUND", () => served.read("coap", 0, 10))).code, "NOT_FOUND");
    assert.equal(await stored(), 0);
  });

  it("ends with its operation, whoever ended it, ten seconds later at most", async () => {
    const { token } = await offer();
    assert.isDefined(await downloads.find(token));
    await end("FAILED");
    assert.isUndefined(await open(2).find(token));
    await fixture.clock.advance(10_000);
    assert.isUndefined(await downloads.find(token));
  });

  it("goes with a deleted operation and with a replaced binary", async () => {
    const { token } = await offer();
    {
      await using upload = await fixture.platform.binaries.begin(TENANT);
      await upload.write(new Uint8Array(10));
      await upload.replace(binary.id);
    }
    assert.isUndefined(await open(2).find(token));
    binary = await fixture.platform.binaries.open(TENANT, binary.id);
    const renewed = await offer();
    assert.notEqual(renewed.token, token);
    assert.equal((await open(3).find(renewed.token))?.length, 10);
    await fixture.platform.operations.deleteMatching(TENANT, { deviceId });
    assert.isUndefined(await open(4).find(renewed.token));
  });

  it("a sweep removes what ended unseen and leaves the rest", async () => {
    await offer();
    await end();
    operationId = await newOperation();
    const { token } = await offer();
    await downloads.sweep();
    assert.equal(await stored(), 1);
    assert.isDefined(await downloads.find(token));
  });

  it("guesses do not keep the store busy: past a thousand at once they are sent away; a known token is not", async () => {
    const { token } = await offer();
    await downloads.find(token);
    assert.isUndefined(await downloads.find("short"));
    const guess = (i: number): string => String(i).padStart(22, "x");
    for (let i = 0; i < 1000; i++) assert.isUndefined(await downloads.find(guess(i)));
    await failing("OVERLOADED", () => downloads.find(guess(1000)));
    assert.isDefined(await downloads.find(token));
  });
});
