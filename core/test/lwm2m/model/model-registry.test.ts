import { assert } from "chai";
import { createModelRegistry } from "../../../src/lwm2m/model/model-registry.ts";
import type { ObjectModel } from "../../../src/lwm2m/model/object-model.ts";

const model = (id: number, version: string, name = `${id} ${version}`): ObjectModel => ({
  id,
  name,
  description: "",
  version,
  multiple: true,
  mandatory: false,
  urn: "",
  resources: {},
});

const createRegistry = () => createModelRegistry({ managementTenant: "management" });

describe("lwm2m/model/model-registry", () => {
  it("works before any upload: objects 0 to 7", () => {
    const view = createRegistry().view("t1", new Map());
    assert.equal(view.resource(3, 9)?.name, "Battery Level");
    assert.isUndefined(view.object(3303));
    assert.isUndefined(view.resource(3303, 5700));
  });

  describe("1: a tenant's own before the management tenant's before the built-in ones", () => {
    const registry = createRegistry();
    registry.put("management", [model(3, "1.1", "theirs"), model(3303, "1.1", "theirs")]);
    registry.put("t1", [model(3303, "1.1", "own")]);
    for (const [tenant, id, name] of [
      ["t1", 3303, "own"],
      ["t1", 3, "theirs"],
      ["t2", 3303, "theirs"],
      ["management", 3303, "theirs"],
      ["t1", 4, "Connectivity Monitoring"],
    ] as const) {
      it(`${tenant} /${id}`, () => assert.equal(registry.find(tenant, id, "1.1")?.name, name));
    }
  });

  describe("versions", () => {
    const registry = createRegistry();
    registry.put("t1", [
      model(3303, "1.0"),
      model(3303, "1.9"),
      model(3303, "1.10"),
      model(3303, "2.1"),
      model(9, "3.0"),
    ]);
    for (const [name, id, stated, expected] of [
      ["exactly the one registered", 3303, "1.9", "1.9"],
      ["missing: the newest minor of the same major", 3303, "1.3", "1.10"],
      ["missing: also where that is older", 3303, "2.7", "2.1"],
      ["no such major: the newest at all", 3303, "5.0", "2.1"],
      ["none registered: 1.0 (Core 1.1.1 §7.2.2)", 3303, undefined, "1.0"],
      ["none registered and no 1.x", 9, undefined, "3.0"],
      ["none registered for a core object: the newest 1.x", 3, undefined, "1.2"],
    ] as const) {
      it(name, () => assert.equal(registry.find("t1", id, stated)?.version, expected));
    }
    it("an exact version of the management tenant is better than another one of the own", () => {
      registry.put("management", [model(9, "1.0")]);
      assert.equal(registry.find("t1", 9, "1.0")?.version, "1.0");
    });
  });

  describe("views", () => {
    it("of equal version sets are one object, whatever the order", () => {
      const registry = createRegistry();
      const one = registry.view(
        "t1",
        new Map([
          [3, "1.0"],
          [4, "1.1"],
        ]),
      );
      assert.equal(
        registry.view(
          "t1",
          new Map([
            [4, "1.1"],
            [3, "1.0"],
          ]),
        ),
        one,
      );
      assert.notEqual(
        registry.view(
          "t1",
          new Map([
            [3, "1.1"],
            [4, "1.1"],
          ]),
        ),
        one,
      );
      assert.notEqual(
        registry.view(
          "t2",
          new Map([
            [3, "1.0"],
            [4, "1.1"],
          ]),
        ),
        one,
      );
    });
    it("follow what is put and removed, and keep to the versions they were made for", () => {
      const registry = createRegistry();
      const versions = new Map([[3303, "1.0"]]);
      const view = registry.view("t1", versions);
      versions.set(3303, "2.0");
      registry.put("t1", [model(3303, "1.0"), model(3303, "2.0")]);
      assert.equal(view.object(3303)?.version, "1.0");
      registry.remove("t1", 3303, "1.0");
      assert.equal(view.object(3303)?.version, "2.0");
      registry.remove("t1", 3303);
      assert.isUndefined(view.object(3303));
    });
    it("10,000 devices of one kind cost one view", () => {
      const registry = createRegistry();
      const views = Array.from({ length: 10_000 }, () => registry.view("t1", new Map([[3303, "1.1"]])));
      assert.equal(new Set(views).size, 1);
    });
  });
});
