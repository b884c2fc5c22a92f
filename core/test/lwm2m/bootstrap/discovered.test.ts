import { assert } from "chai";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { isFailure } from "../../../src/base/errors.ts";
import { readDiscovered } from "../../../src/lwm2m/bootstrap/discovered.ts";
import { layOut } from "../../../src/lwm2m/bootstrap/instance-layout.ts";
import { pskAccount } from "./support/bootstrap-world.ts";

describe("bootstrap/discovered", () => {
  for (const [source, links, version, instances] of [
    [
      "LwM2M Core 1.1.1 section 6.1.7.3",
      '</>;lwm2m=1.1,</0/0>;ssid=101;uri="coaps://server_1.example.com",</0/1/>,</0/2>;ssid=102',
      "1.1",
      [1],
    ],
    ["LwM2M TS 1.0: version without a link", 'lwm2m="1.0",</0/0>,</0/1>;ssid=101,</1/0>;ssid=101,</3/0>', "1.0", [0]],
    [
      "a client of 1.1 without a link, with an id that no server has",
      'lwm2m="1.1",</3>;ver=1.0,</0/0>,</0/1>;ssid=0,</1>',
      "1.1",
      [0],
    ],
    [
      "an account that is named by an id that no server has",
      "</>;lwm2m=1.1,</0/3>;ssid=65535,</0/0>;ssid=1",
      "1.1",
      [3],
    ],
    ["blanks, a bare version at the front", " lwm2m = 1.1 , </0/1>", "1.1", [1]],
    ["the version quoted", '</>;lwm2m="1.2",</0/0>', "1.2", [0]],
    ["no id at any account", "</0/5>,</0/2>", undefined, [2, 5]],
    ["objects, resources and other targets are passed over", "</0>,</0/1/2>,</fw>,</10/0>,</0/1>", undefined, [1]],
    ["a version of another world", "</>;lwm2m=2.0,</0/0>", undefined, [0]],
    ["a version that is none", "</>;lwm2m=abc,</0/0>", undefined, [0]],
    ["an attribute without a value", "</>;lwm2m,</0/0>;ssid", undefined, [0]],
    ["no accounts", "</>;lwm2m=1.1,</0>", "1.1", []],
    ["nothing", "", undefined, []],
  ] as const) {
    it(source, () => {
      assert.deepEqual(readDiscovered(encodeUtf8(links)), { version, bootstrapInstances: [...instances] });
    });
  }

  for (const payload of [encodeUtf8("</0/0"), encodeUtf8("lwm2m=1.0</0/0>"), Uint8Array.of(0xff)]) {
    it(`refuses ${Buffer.from(payload).toString("latin1")}`, () => {
      assert.throws(() => readDiscovered(payload), /link/);
      try {
        readDiscovered(payload);
      } catch (error) {
        assert.isTrue(isFailure(error, "LINK_FORMAT_INVALID"));
      }
    });
  }
});

describe("bootstrap/instance-layout", () => {
  const at = (...instances: number[]) => instances.map(instance => pskAccount({ instance }));
  const places = (configured: ReturnType<typeof at>, own: readonly number[]): number[] =>
    layOut(configured, own).map(({ instance }) => instance);

  for (const [configured, own, expected] of [
    [[0], [], [0]],
    [[0], [0], [1]],
    [[0, 1], [0], [1, 2]],
    [[0, 1], [1], [0, 2]],
    [[3, 4, 5], [4], [3, 5, 6]],
    [[0], [0, 1, 2], [3]],
    [[65_534], [65_534], [0]],
    [[7], [3], [7]],
  ] as const) {
    it(`accounts for ${configured.join(", ")} beside ${own.join(", ") || "nothing"}: ${expected.join(", ")}`, () =>
      assert.deepEqual(places(at(...configured), own), [...expected]));
  }

  it("a bootstrap account of ours goes where the device's own one is", () => {
    const ours = { ...pskAccount({ instance: 0 }), isBootstrap: true };
    assert.deepEqual(places([ours, ...at(1)], [1]), [1, 2]);
    assert.deepEqual(places([ours, ...at(1)], [0]), [0, 1]);
    assert.deepEqual(places([ours, ...at(1)], []), [0, 1]);
  });
});
