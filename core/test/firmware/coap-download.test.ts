import { assert } from "chai";
import { silentLog } from "../../src/base/log.ts";
import { formatCode } from "../../src/coap/codes.ts";
import type { CoapMessage } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import { createCoapDownloads, type FetchFrom, mayFetch } from "../../src/firmware/coap-download.ts";
import type { ServedFirmware } from "../../src/firmware/downloads.ts";
import type { Registration } from "../../src/lwm2m/registration/registration.ts";
import type { Peer } from "../../src/transport/transport.ts";
import { block, optionOf, uint, uintOf } from "../coap/support/endpoints.ts";
import { createLwm2mWorld, type Lwm2mWorld } from "../lwm2m/support/lwm2m-world.ts";
import type { ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { firmwareBytes } from "./support.ts";

const TOKEN = "aaaaaaaaaaaaaaaaaaaaaa";
const BYTES = firmwareBytes(5000);

describe("firmware/coap-download", () => {
  const read: string[] = [];
  /** For the device that registers first. */
  const served: ServedFirmware = {
    tenant: "t1",
    deviceId: "1",
    operationId: "7",
    length: BYTES.length,
    sha256: "0102030405060708090a",
    async read(protocol, offset, length) {
      read.push(`${protocol} ${offset}`);
      return BYTES.subarray(offset, offset + length);
    },
  };
  const open = (fetchFrom: FetchFrom): Promise<Lwm2mWorld> => {
    const downloads = { find: async (token: string) => (token === TOKEN ? served : undefined) };
    return createLwm2mWorld({ files: createCoapDownloads({ downloads, log: silentLog, fetchFrom, blockSzx: 5 }) });
  };
  const get = (device: ScriptedDevice, num?: number, path = `/fw/${TOKEN}`): Promise<CoapMessage> =>
    device.send("GET", path, num === undefined ? {} : { options: [uint(OPTIONS.BLOCK2, block(num, false, 5))] });
  const code = async (answer: Promise<CoapMessage>): Promise<string> => formatCode((await answer).code);

  let world: Lwm2mWorld;
  let device: ScriptedDevice;
  beforeEach(async () => {
    read.length = 0;
    world = await open("same-ip");
    device = world.device(5000);
    await device.register("ep=one&lt=60", "</1/0>");
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it("the whole in blocks of 512 bytes, as octets, with ETag and size", async () => {
    const first = await get(device);
    assert.equal(formatCode(first.code), "2.05");
    assert.equal(uintOf(first, OPTIONS.BLOCK2), block(0, true, 5));
    assert.equal(uintOf(first, OPTIONS.SIZE2), 5000);
    assert.equal(uintOf(first, OPTIONS.CONTENT_FORMAT), 42);
    assert.deepEqual(optionOf(first, OPTIONS.ETAG), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const got = [...first.payload];
    for (let num = 1; num < 10; num++) got.push(...(await get(device, num)).payload);
    assert.deepEqual(Uint8Array.from(got), BYTES);
    assert.deepEqual(read.slice(0, 2), ["coap 0", "coap 512"]);
  });

  it("goes on from any block after the host was started anew", async () => {
    await get(device);
    await world.restart();
    assert.deepEqual((await get(device, 7)).payload, BYTES.subarray(3584, 4096));
  });

  it("from another port of the device's address, registered or not", async () => {
    assert.equal(await code(get(world.device(5001))), "2.05");
  });

  it("keeps a device that sleeps awake", async () => {
    await world.clock.advance(30_000);
    await get(device, 1);
    const registration = world.server.registrations.byEndpoint("one")!;
    assert.equal(world.server.registrations.silentForMs(registration.id), 0);
  });

  describe("4.04", () => {
    for (const [what, path] of [
      ["an unknown token", `/fw/${"b".repeat(22)}`],
      ["no token", "/fw"],
      ["more than a token", `/fw/${TOKEN}/1`],
    ] as const) {
      it(what, async () => {
        assert.equal(await code(get(device, undefined, path)), "4.04");
      });
    }

    it("another device with that token, from another address", async () => {
      const other = world.device(5000, { address: "198.51.100.7" });
      await other.register("ep=two&lt=60", "</1/0>");
      assert.equal(await code(get(other)), "4.04");
      assert.deepEqual(read, []);
    });

    it("a device that is not registered any more", async () => {
      await world.server.registrations.remove("one");
      assert.equal(await code(get(device)), "4.04");
    });
  });

  it("anywhere: the token is enough where nothing is proved", async () => {
    await using lenient = await open("anywhere");
    await lenient.device(5000).register("ep=one&lt=60", "</1/0>");
    assert.equal(await code(get(lenient.device(6000, { address: "198.51.100.7" }))), "2.05");
  });

  it("other methods 4.05, another format 4.06, octets are octets", async () => {
    assert.equal(await code(device.send("PUT", `/fw/${TOKEN}`, { payload: "x" })), "4.05");
    const accept = (format: number) => device.send("GET", `/fw/${TOKEN}`, { options: [uint(OPTIONS.ACCEPT, format)] });
    assert.equal(await code(accept(50)), "4.06");
    assert.equal(await code(accept(42)), "2.05");
  });

  describe("who has proved to be somebody", () => {
    const peer = (address: string, identity?: string): Peer => ({
      key: `${address} ${identity}`,
      address,
      port: 1,
      ...(identity && { identity: { kind: "psk", identity } }),
    });
    const registered = (at: Peer) => ({ peer: at }) as Registration;

    for (const [what, registration, from, fetchFrom, may] of [
      ["the device, from elsewhere", peer("a", "one"), peer("b", "one"), "same-ip", true],
      ["another one, from the same address", peer("a", "one"), peer("a", "two"), "same-ip", false],
      ["another one, anywhere", peer("a", "one"), peer("b", "two"), "anywhere", false],
      ["nobody, where the device is somebody, from its address", peer("a", "one"), peer("a"), "same-ip", true],
      ["nobody, from another address", peer("a", "one"), peer("b"), "same-ip", false],
      ["nobody, anywhere", peer("a", "one"), peer("b"), "anywhere", true],
    ] as const) {
      it(`${what}: ${may ? "may" : "may not"}`, () => {
        assert.equal(mayFetch(registered(registration), from, fetchFrom), may);
      });
    }
  });
});
