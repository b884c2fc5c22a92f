/** Uploads in blocks whose source is read as they go out (RFC 7959 2.5), in lockstep. */
import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { BodySource, TransferPosition } from "../../src/coap/endpoint.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import { block, pattern, request, uint, uintOf } from "./support/endpoints.ts";
import { createHostAndDevice, rejection } from "./support/host-and-device.ts";

const { BLOCK1 } = OPTIONS;
const CONTENT = 69;
const CHANGED = 68;
const CONTINUE = 95;

const sourceOf = (body: Uint8Array): BodySource & { readonly reads: number[] } => {
  const reads: number[] = [];
  return {
    reads,
    length: body.length,
    async read(at, length) {
      reads.push(length);
      return body.subarray(at, at + length);
    },
  };
};

describe("coap/blockwise-client: upload", () => {
  it("reads its source block by block and never holds it whole", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    const body = pattern(10_000);
    const source = sourceOf(body);
    const answered = host.upload(deviceAt, request("PUT", "5/0/0"), source);
    const got: number[] = [];
    for (let num = 0; num < 10; num++) {
      const message = await asked();
      assert.lengthOf(source.reads, num + 1);
      got.push(...message.payload);
      await answer(message, num < 9 ? CONTINUE : CHANGED, [uint(BLOCK1, block(num, num < 9, 6))]);
    }
    await answered;
    assert.deepEqual(Uint8Array.from(got), body);
    assert.deepEqual(Math.max(...source.reads), 1024);
  });

  it("a small one goes out at once, an empty one too", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    for (const length of [10, 0]) {
      const answered = host.upload(deviceAt, request("PUT", "5/0/0"), sourceOf(pattern(length)));
      const message = await asked();
      assert.lengthOf(message.payload, length);
      assert.isUndefined(uintOf(message, BLOCK1));
      await answer(message, CHANGED);
      assert.equal((await answered).code, CHANGED);
    }
  });

  it("a source that fails or gives too little ends the transfer", async () => {
    const { host, deviceAt, asked, answer } = createHostAndDevice();
    const broken: BodySource = {
      length: 3000,
      read: at => (at > 0 ? Promise.reject(new TypeError("disk")) : Promise.resolve(pattern(1024))),
    };
    const short: BodySource = { length: 3000, read: async () => pattern(1000) };
    const first = rejection(host.upload(deviceAt, request("PUT", "a"), broken));
    await answer(await asked(), CONTINUE, [uint(BLOCK1, block(0, true, 6))]);
    assert.propertyVal(await first, "code", "TRANSFER_FAILED");
    assert.propertyVal(await rejection(host.upload(deviceAt, request("PUT", "a"), short)), "code", "TRANSFER_FAILED");
  });

  describe("position", () => {
    const SZX = 5;
    const body = pattern(5 * 512 + 100);
    const package_ = request("PUT", "5/0/0", { contentFormat: 42 });

    /** Uploads to a host that ends after so many answered blocks; the next one is on its way then. */
    async function uploadPart(blocks: number) {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const positions: TransferPosition[] = [];
      const stop = new AbortController();
      const failed = rejection(
        host.upload(deviceAt, package_, sourceOf(body), {
          blockSzx: SZX,
          signal: stop.signal,
          onPosition: async position => void positions.push(position),
        }),
      );
      const sent = [await asked()];
      for (let num = 0; num < blocks; num++) {
        await answer(sent.at(-1)!, CONTINUE, [uint(BLOCK1, block(num, true, SZX))]);
        sent.push(await asked());
      }
      stop.abort();
      await failed;
      return { positions, sent };
    }

    it("is told before each block: what is acknowledged, and the message that follows", async () => {
      const { positions, sent } = await uploadPart(3);
      assert.deepEqual(
        positions.map(({ at, szx }) => [at, szx]),
        [0, 512, 1024, 1536].map(at => [at, SZX]),
      );
      assert.deepEqual(
        positions.map(({ messageId }) => messageId),
        sent.map(({ messageId }) => messageId),
      );
      assert.deepEqual(
        positions.map(({ token }) => token),
        sent.map(({ token }) => Buffer.from(token).toString("hex")),
      );
    });

    it("another host goes on with the very message that the first one sent last, then with the ids after it", async () => {
      const { positions, sent } = await uploadPart(3);
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const source = sourceOf(body);
      const answered = host.upload(deviceAt, package_, source, { blockSzx: SZX, from: positions.at(-1)! });
      const first = await asked();
      assert.deepEqual(first, sent.at(-1));
      const got = [...first.payload];
      await answer(first, CONTINUE, [uint(BLOCK1, block(3, true, SZX))]);
      for (let num = 4; num < 6; num++) {
        const message = await asked();
        assert.equal(uintOf(message, BLOCK1), block(num, num < 5, SZX));
        assert.equal(message.messageId, (first.messageId + num - 3) & 0xffff);
        assert.deepEqual(message.token, first.token);
        got.push(...message.payload);
        await answer(message, num < 5 ? CONTINUE : CHANGED, [uint(BLOCK1, block(num, num < 5, SZX))]);
      }
      assert.equal((await answered).code, CHANGED);
      assert.deepEqual(Uint8Array.from(got), body.subarray(3 * 512));
    });

    it("a peer to which something else was sent since gets the block as it was, then ids that are new", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const from = { at: 512, szx: SZX, token: "0a0b", messageId: 77 };
      const other = host.request(deviceAt, request("GET", "3"));
      const ofOther = await asked();
      await answer(ofOther, CONTENT);
      await other;
      const stop = new AbortController();
      const failed = rejection(host.upload(deviceAt, package_, sourceOf(body), { from, signal: stop.signal }));
      const first = await asked();
      assert.equal(first.messageId, 77);
      await answer(first, CONTINUE, [uint(BLOCK1, block(1, true, SZX))]);
      assert.equal((await asked()).messageId, (ofOther.messageId + 1) & 0xffff);
      stop.abort();
      await failed;
    });

    it("a peer that has lost what came before (4.08) gets all again, and the position begins anew", async () => {
      const { positions } = await uploadPart(3);
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const told: number[] = [];
      const answered = host.upload(deviceAt, package_, sourceOf(body), {
        from: positions.at(-1)!,
        onPosition: async ({ at }) => void told.push(at),
      });
      await answer(await asked(), 136, [uint(BLOCK1, block(3, true, SZX))]);
      const got: number[] = [];
      for (let num = 0; num < 6; num++) {
        const message = await asked();
        assert.equal(uintOf(message, BLOCK1), block(num, num < 5, SZX));
        got.push(...message.payload);
        await answer(message, num < 5 ? CONTINUE : CHANGED, [uint(BLOCK1, block(num, num < 5, SZX))]);
      }
      assert.equal((await answered).code, CHANGED);
      assert.deepEqual(Uint8Array.from(got), body);
      assert.deepEqual(told, [1536, 0, 512, 1024, 1536, 2048, 2560]);
    });

    it("keeps the smaller size that the peer asked for", async () => {
      const { host, deviceAt, asked, answer } = createHostAndDevice();
      const positions: TransferPosition[] = [];
      const stop = new AbortController();
      const onPosition = async (position: TransferPosition): Promise<void> => void positions.push(position);
      const options = { blockSzx: SZX, signal: stop.signal, onPosition };
      const failed = rejection(host.upload(deviceAt, package_, sourceOf(body), options));
      await answer(await asked(), CONTINUE, [uint(BLOCK1, block(0, true, 2))]);
      assert.equal(uintOf(await asked(), BLOCK1), block(8, true, 2));
      assert.include(positions.at(-1), { at: 512, szx: 2 });
      stop.abort();
      await failed;
    });

    it("a block waits until its position is kept; what cannot be kept ends the upload", async () => {
      const { host, device, world, deviceAt } = createHostAndDevice();
      let refuse: (error: Error) => void = () => assert.fail("not told");
      const onPosition = (): Promise<void> => new Promise((_, reject) => (refuse = reject));
      const failed = rejection(host.upload(deviceAt, package_, sourceOf(body), { onPosition }));
      await world.clock.advance(60_000);
      device.silent();
      const full = new MooringError("STORE_FULL", "full");
      refuse(full);
      assert.equal(await failed, full);
      device.silent();
    });

    for (const [name, at] of [
      ["past the end", 8 * 512],
      ["between two blocks", 700],
    ] as const) {
      it(`one ${name} belongs to another body: all is sent`, async () => {
        const { host, deviceAt, asked } = createHostAndDevice();
        const stop = new AbortController();
        const from = { at, szx: SZX, token: "01", messageId: 5 };
        const options = { blockSzx: SZX, from, signal: stop.signal };
        const failed = rejection(host.upload(deviceAt, package_, sourceOf(body), options));
        assert.equal(uintOf(await asked(), BLOCK1), block(0, true, SZX));
        stop.abort();
        await failed;
      });
    }
  });

  it("stops while its source is read", async () => {
    const { host, device, world, deviceAt } = createHostAndDevice();
    const stop = new AbortController();
    let give: (bytes: Uint8Array) => void = () => assert.fail("not asked");
    const slow: BodySource = { length: 3000, read: () => new Promise(resolve => (give = resolve)) };
    const failed = rejection(host.upload(deviceAt, request("PUT", "a"), slow, { signal: stop.signal }));
    await world.clock.advance(0);
    stop.abort();
    give(pattern(1024));
    assert.propertyVal(await failed, "code", "EXCHANGE_CANCELLED");
    device.silent();
  });
});
