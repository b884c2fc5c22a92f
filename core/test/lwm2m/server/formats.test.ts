import { assert } from "chai";
import { encodeUtf8, fromHex, toHex } from "../../../src/base/bytes.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import { codecFor } from "../../../src/lwm2m/codecs/codec-table.ts";
import { formatPath, type Lwm2mPath } from "../../../src/lwm2m/path.ts";
import type { ResourceValue } from "../../../src/lwm2m/resource-value.ts";
import { contextOf } from "../codecs/models.ts";
import { callDevice, createLwm2mWorld, failureOf, type Lwm2mWorld, type WorldOptions } from "../support/lwm2m-world.ts";
import { ACK, type ScriptedDevice } from "../support/scripted-device.ts";

const CONTENT = 69;
const CHANGED = 68;
const TEMPERATURE: readonly ResourceValue[] = [{ path: [3303, 0, 5700], type: "FLOAT", value: 21.5 }];
const encoded = (contentFormat: number, path: Lwm2mPath, values = TEMPERATURE): Uint8Array =>
  codecFor(contentFormat).encode(values, contextOf(path));

describe("lwm2m/server: content formats", () => {
  let world: Lwm2mWorld;
  let device: ScriptedDevice;
  afterEach(() => world[Symbol.asyncDispose]());

  async function open(query: string, links: string, options: WorldOptions = {}, contentFormat?: number) {
    world = await createLwm2mWorld(options);
    if (contentFormat !== undefined) world.settings = { contentFormat };
    device = world.device(5000);
    return device.register(query, links);
  }
  const call = <T>(job: Parameters<typeof callDevice<T>>[1]): Promise<T> => callDevice(world, job);
  const codeOfFailure = async (promise: Promise<unknown>): Promise<string> => (await failureOf(promise)).code;
  const shown = (values: readonly ResourceValue[]) => values.map(({ path, value }) => [formatPath(path), value]);
  const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

  describe("20-30: the format of an operation is chosen from the device's list", () => {
    for (const [name, version, ct, setting, accept] of [
      ["TLV first", "1.1", "110 112 11542", undefined, 11542],
      ["then SenML CBOR", "1.1", "11543 110 112", undefined, 112],
      ["then SenML JSON", "1.1", "11543 110", undefined, 110],
      ["then the JSON of 1.0", "1.0", "11543 0", undefined, 11543],
      ["LwM2M CBOR of a 1.2 device", "1.2", "0 42 11544", undefined, 11544],
      ["the number of an early device", "1.0", "1542", undefined, 1542],
      ["the operator's", "1.1", "11542 110 112", 110, 110],
      ["the operator's, LwM2M CBOR", "1.2", "11542 112 11544", 11544, 11544],
      ["not the operator's, which the device has not", "1.1", "11542 112", 110, 11542],
      ["not the operator's, which cannot say an instance", "1.1", "60 112", 60, 112],
      ["nothing offered, 1.0", "1.0", "", undefined, 11542],
      ["nothing offered, 1.2", "1.2", "", undefined, 112],
    ] as const) {
      it(name, async () => {
        await open(`ep=dev&lwm2m=${version}`, ct ? `</>;ct="${ct}",</3303/0>` : "</3303/0>", {}, setting);
        device.script = ({ method, accept: wanted = 0 }) =>
          method === "GET"
            ? { code: CONTENT, contentFormat: wanted, payload: encoded(wanted, [3303, 0]) }
            : { code: CHANGED };
        const answer = await call((requests, registration) => requests.read(registration, [3303, 0]));
        assert.deepEqual(shown(answer.values), [["/3303/0/5700", 21.5]]);
        await call((requests, registration) => requests.write(registration, [3303, 0], TEMPERATURE));
        assert.deepEqual(
          device.asked.map(asked => asked.accept ?? asked.contentFormat),
          [accept, accept],
        );
      });
    }
  });

  describe("C8Y.lwm2m.supportDeprecatedContentFormat", () => {
    const off = { supportDeprecatedContentFormat: false };
    const links = '</>;ct="1542 110",</3303/0>';
    it("true: 1542 is asked for where it is the device's best", async () => {
      await open("ep=dev", links);
      device.script = () => ({ code: CONTENT, contentFormat: 1542, payload: encoded(11542, [3303, 0]) });
      const answer = await call((requests, registration) => requests.read(registration, [3303, 0]));
      assert.deepEqual(shown(answer.values), [["/3303/0/5700", 21.5]]);
      assert.equal(device.asked[0]?.accept, 1542);
    });
    it("false: it is neither asked for nor understood", async () => {
      await open("ep=dev", links, off);
      device.script = () => ({ code: CONTENT, contentFormat: 1542, payload: encoded(11542, [3303, 0]), observe: 1 });
      const read = call((requests, registration) => requests.read(registration, [3303, 0]));
      assert.equal(await codeOfFailure(read), "CONTENT_FORMAT_UNSUPPORTED");
      assert.equal(device.asked[0]?.accept, 110);
      const sent = await device.send("POST", "/dp", { payload: encoded(11543, [3303]), contentFormat: 1543 });
      assert.equal(formatCode(sent.code), "4.15");
      assert.isEmpty(world.batches);
    });
    it("false: a device that offers nothing else is asked in what its version makes likely", async () => {
      await open("ep=dev", '</>;ct="1542 1543",</3303/0>', off);
      device.script = () => ({ code: CONTENT, contentFormat: 11542, payload: encoded(11542, [3303, 0]) });
      await call((requests, registration) => requests.read(registration, [3303, 0]));
      assert.equal(device.asked[0]?.accept, 11542);
    });
  });

  describe("D4: a Send or notification in any format", () => {
    for (const [name, contentFormat] of [
      ["SenML JSON", 110],
      ["SenML CBOR", 112],
      ["LwM2M CBOR", 11544],
    ] as const) {
      it(`Send as ${name}`, async () => {
        await open("ep=dev&lwm2m=1.2", "</3303/0>");
        const answer = await device.send("POST", "/dp", { payload: encoded(contentFormat, []), contentFormat });
        assert.equal(formatCode(answer.code), "2.04");
        assert.deepEqual(shown(world.batches[0]!.values), [["/3303/0/5700", 21.5]]);
      });
    }
    for (const contentFormat of [0, 60, 110, 112, 1542, 1543, 11542, 11543, 11544]) {
      it(`a notification in ${contentFormat}, whatever the first answer came in`, async () => {
        await open("ep=dev&lwm2m=1.2", '</>;ct="112",</3303/0>');
        const path = [3303, 0, 5700];
        device.script = () => ({ code: CONTENT, contentFormat: 112, payload: encoded(112, path), observe: 1 });
        await call((requests, registration) => requests.observe(registration, path));
        const { token } = device.asked[0]!;
        const hot = [{ ...TEMPERATURE[0]!, value: 99.5 }];
        const payload = encoded(contentFormat, path, hot);
        assert.equal((await device.notify({ token, sequence: 2, payload, contentFormat }))?.type, ACK);
        assert.deepEqual(shown(world.batches[1]!.values), [["/3303/0/5700", 99.5]]);
      });
    }
  });

  describe("composite operations of a 1.2 device", () => {
    const links = '</>;ct="11544 322",</3303/0>';
    it("asks with a SenML-ETCH list for LwM2M CBOR, which has no list of paths", async () => {
      await open("ep=dev&lwm2m=1.2", links);
      const payload = encoded(11544, []);
      device.script = ({ observe }) => ({
        code: CONTENT,
        contentFormat: 11544,
        payload,
        ...(observe === 0 && { observe: 1 }),
      });
      const answer = await call((requests, registration) => requests.readComposite(registration, [[3303], [3, 0]]));
      assert.deepEqual(shown(answer.values), [["/3303/0/5700", 21.5]]);
      await call((requests, registration) => requests.observeComposite(registration, [[3303], [3, 0]]));
      await world.restart();
      await call((requests, registration) => requests.cancelComposite(registration, [[3, 0], [3303]], "request"));
      assert.deepEqual(
        device.asked.map(asked => [
          asked.method,
          asked.contentFormat,
          asked.accept,
          asked.observe,
          toHex(asked.payload),
        ]),
        [undefined, 0, 1].map(observe => ["FETCH", 322, 11544, observe, "82a100652f33333033a100642f332f30"]),
      );
    });
    it("writes LwM2M CBOR, each value under its path in the order given", async () => {
      await open("ep=dev&lwm2m=1.2", links);
      device.script = () => ({ code: CHANGED });
      const values: ResourceValue[] = [
        { path: [3, 0, 14], type: "STRING", value: "+1" },
        { path: [1, 0, 1], type: "INTEGER", value: 60 },
        { path: [3, 0, 15], type: "STRING", value: "X" },
      ];
      await call((requests, registration) => requests.writeComposite(registration, values));
      const { method, contentFormat, payload } = device.asked[0]!;
      assert.deepEqual(
        [method, contentFormat, toHex(payload)],
        ["IPATCH", 11544, "a38303000e622b3183010001183c8303000f6158"],
      );
    });
  });

  describe("LwM2M Transport 1.2.2 §6.4.1: names below the alternate root", () => {
    const links = '</lwm2m>;rt="oma.lwm2m";ct="110",</lwm2m/3303/0>';
    const answer = { code: CONTENT, contentFormat: 110, payload: '[{"n":"/lwm2m/3303/0/5700","v":21.5}]' };
    for (const [version, names] of [
      ["1.2", ["/lwm2m/3303/0/5700", "/lwm2m/1/0/1"]],
      ["1.1", ["/3303/0/5700", "/1/0/1"]],
    ] as const) {
      it(`${version}: are read, and written as that version has them`, async () => {
        await open(`ep=dev&lwm2m=${version}`, links);
        device.script = ({ method }) => (method === "IPATCH" ? { code: CHANGED } : answer);
        const read = await call((requests, registration) => requests.readComposite(registration, [[3303, 0, 5700]]));
        assert.deepEqual(shown(read.values), [["/3303/0/5700", 21.5]]);
        const lifetime: ResourceValue[] = [{ path: [1, 0, 1], type: "INTEGER", value: 60 }];
        await call((requests, registration) => requests.writeComposite(registration, lifetime));
        const single = await call((requests, registration) => requests.read(registration, [3303, 0, 5700]));
        assert.deepEqual(shown(single.values), [["/3303/0/5700", 21.5]]);
        const sent = await device.send("POST", "/dp", { payload: answer.payload, contentFormat: 110 });
        assert.equal(formatCode(sent.code), "2.04");
        assert.deepEqual(
          device.asked.map(({ path, payload }) => [path, JSON.parse(text(payload) || "[{}]")[0].n]),
          [
            ["/lwm2m", names[0]],
            ["/lwm2m", names[1]],
            ["/lwm2m/3303/0/5700", undefined],
          ],
        );
      });
    }
  });

  describe("Create that leaves the number to the device (LwM2M Core 1.2.2 §6.3.6)", () => {
    const values: readonly ResourceValue[] = [{ path: [3303, 0, 5701], type: "STRING", value: "C" }];
    for (const [name, version, ct, contentFormat, payload] of [
      ["TLV: resources without an instance round them", "1.0", "11542", 11542, "e1164543"],
      ["LwM2M CBOR: 65535 in its place", "1.2", "110 11544", 11544, "a1190ce7a119ffffa11916456143"],
    ] as const) {
      it(name, async () => {
        await open(`ep=dev&lwm2m=${version}`, `</>;ct="${ct}",</3303>`);
        device.script = () => ({ code: 65 });
        const answer = await call((requests, registration) =>
          requests.create(registration, 3303, values, { instanceId: "any" }),
        );
        assert.isTrue(answer.ok);
        const [asked] = device.asked;
        assert.deepEqual(
          [asked?.method, asked?.path, asked?.contentFormat, toHex(asked!.payload)],
          ["POST", "/3303", contentFormat, payload],
        );
      });
    }
    it("SenML cannot: refused at once, nothing is sent", async () => {
      await open("ep=dev&lwm2m=1.1", '</>;ct="110",</3303>');
      const created = call((requests, registration) =>
        requests.create(registration, 3303, values, { instanceId: "any" }),
      );
      assert.equal(await codeOfFailure(created), "CONTENT_FORMAT_UNSUPPORTED");
      assert.isEmpty(device.asked);
    });
  });

  it("OMA 1901: opaque bytes are written and read back in every format", async () => {
    const bytes = fromHex("0102ff");
    const values: readonly ResourceValue[] = [{ path: [5, 0, 0], type: "OPAQUE", value: bytes }];
    await open("ep=dev&lwm2m=1.1", '</>;ct="0 42 60 110 112 11542 11543",</5/0>');
    let stored: { contentFormat: number; payload: Uint8Array } | undefined;
    device.script = ({ method, contentFormat = 0, payload }) => {
      if (method === "PUT") stored = { contentFormat, payload };
      return method === "PUT" ? { code: CHANGED } : { code: CONTENT, ...stored };
    };
    for (const contentFormat of [42, 60, 110, 112, 11542]) {
      await call((requests, registration) => requests.write(registration, [5, 0, 0], values, { contentFormat }));
      const answer = await call((requests, registration) => requests.read(registration, [5, 0, 0]));
      assert.deepEqual(answer.values[0]?.value, bytes, String(contentFormat));
    }
    await call((requests, registration) => requests.write(registration, [5, 0, 0], values, { contentFormat: 0 }));
    assert.deepEqual(stored, { contentFormat: 0, payload: encodeUtf8("AQL/") });
  });
});
