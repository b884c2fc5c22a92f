import { assert } from "chai";
import { CORE_OBJECTS } from "../../../src/lwm2m/model/core-objects/core-objects.ts";

const versionsOf = (id: number): string[] => CORE_OBJECTS.filter(model => model.id === id).map(model => model.version);
const resourcesOf = (id: number, version: string) =>
  CORE_OBJECTS.find(model => model.id === id && model.version === version)!.resources;

describe("lwm2m/model/core-objects", () => {
  it("objects 0 to 7, versions kept apart", () => {
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7].map(versionsOf), [
      ["1.0", "1.1"],
      ["1.0", "1.1", "1.2"],
      ["1.0", "1.1"],
      ["1.0", "1.1", "1.2"],
      ["1.0", "1.1", "1.2", "1.3"],
      ["1.0", "1.1", "1.2"],
      ["1.0"],
      ["1.0"],
    ]);
  });
  it("a resource is there from the version that brought it", () => {
    assert.notProperty(resourcesOf(1, "1.0"), "9");
    assert.property(resourcesOf(1, "1.1"), "9");
    assert.notProperty(resourcesOf(4, "1.0"), "11");
    assert.property(resourcesOf(4, "1.1"), "11");
    assert.notProperty(resourcesOf(5, "1.0"), "10");
    assert.property(resourcesOf(5, "1.1"), "10");
  });
  it("each resource stands under its own id once, executables alone have no type", () => {
    for (const { id, version, resources } of CORE_OBJECTS) {
      for (const [key, resource] of Object.entries(resources)) {
        const where = `/${id} ${version} ${key}`;
        assert.equal(String(resource.id), key, where);
        assert.equal(resource.dataType === undefined, resource.operations === "E", where);
        assert.isNotEmpty(resource.name, where);
      }
    }
  });
  for (const [path, version, name, operations, dataType, multiple] of [
    ["1/17", "1.1", "Communication Retry Count", "", "UNSIGNED_INTEGER", false],
    ["1/17", "1.2", "Communication Retry Count", "RW", "UNSIGNED_INTEGER", false],
    ["1/1", "1.0", "Lifetime", "RW", "INTEGER", false],
    ["3/0", "1.1", "Manufacturer", "R", "STRING", false],
    ["3/6", "1.0", "Available Power Sources", "R", "INTEGER", true],
    ["3/13", "1.0", "Current Time", "RW", "TIME", false],
    ["3/22", "1.1", "ExtDevInfo", "R", "OBJECTLINK", true],
    ["4/2", "1.0", "Radio Signal Strength", "R", "INTEGER", false],
    ["5/0", "1.0", "Package", "W", "OPAQUE", false],
    ["5/13", "1.1", "Maximum Defer Period", "RW", "UNSIGNED_INTEGER", false],
    ["6/0", "1.0", "Latitude", "R", "FLOAT", false],
    ["7/8", "1.0", "Collection Period", "RW", "INTEGER", false],
  ] as const) {
    it(`LwM2M appendix E: /${path} of ${version} is ${name}`, () => {
      const [id, resource] = path.split("/") as [string, string];
      assert.deepInclude(resourcesOf(Number(id), version)[resource], { name, operations, dataType, multiple });
    });
  }
});
