import { assert } from "chai";
import { inventoryChanges } from "../../src/mapping/inventory-changes.ts";
import type { Fragments, ManagedObject } from "../../src/platform/platform.ts";

const object = (fragments: Fragments): ManagedObject => ({
  id: "1",
  name: "meter 7",
  type: "c8y_lwm2m",
  owner: "admin",
  creationTimeMs: 0,
  lastUpdatedMs: 0,
  fragments,
});

const hardware = { c8y_Hardware: { model: "M", revision: "1" } };

describe("mapping/inventory-changes", () => {
  for (const [name, fragments, sets, expected] of [
    ["a new value of a member", hardware, [{ "c8y_Hardware.model": "N" }], { "c8y_Hardware.model": "N" }],
    ["the value it has already", hardware, [{ "c8y_Hardware.model": "M" }], undefined],
    [
      "the object it has already, in another order",
      hardware,
      [{ c8y_Hardware: { revision: "1", model: "M" } }],
      undefined,
    ],
    ["an object with one member less", hardware, [{ c8y_Hardware: { model: "M" } }], { c8y_Hardware: { model: "M" } }],
    ["a list of another order", { a: [1, 2] }, [{ a: [2, 1] }], { a: [2, 1] }],
    ["the list it has", { a: [1, { b: 2 }] }, [{ a: [1, { b: 2 }] }], undefined],
    ["a member of a fragment that is not there", {}, [{ "c8y_Hardware.model": "N" }], { "c8y_Hardware.model": "N" }],
    ["the name it has", {}, [{ name: "meter 7" }], undefined],
    ["another name", {}, [{ name: "LWM2M ACME x" }], { name: "LWM2M ACME x" }],
    ["of two values the later", {}, [{ name: "a" }, { name: "b" }], { name: "b" }],
    ["there and back again", hardware, [{ "c8y_Hardware.model": "N" }, { "c8y_Hardware.model": "M" }], undefined],
    ["a member after its whole", {}, [{ a: { b: 1, c: 2 } }, { "a.b": 3 }], { a: { b: 3, c: 2 } }],
    ["a whole after its member", {}, [{ "a.b": 1, "a.c": 2 }, { a: { d: 3 } }], { a: { d: 3 } }],
    ["names that only begin alike", {}, [{ ab: 1 }, { "a.b": 2 }], { ab: 1, "a.b": 2 }],
    [
      "members below a text",
      { c8y_Hardware: "text" },
      [{ "c8y_Hardware.model": "N", "c8y_Hardware.revision": "2" }],
      { c8y_Hardware: { model: "N", revision: "2" } },
    ],
    ["a member below null", { a: { b: null } }, [{ "a.b.c": 1 }], { "a.b": { c: 1 } }],
    ["a member that only prototypes have", {}, [{ constructor: "x" }], { constructor: "x" }],
    ["null for a value", { a: 1 }, [{ a: null }], { a: null }],
  ] as const) {
    it(name, () => assert.deepEqual<unknown>(inventoryChanges(object(fragments), sets), expected));
  }
});
