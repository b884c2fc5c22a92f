import { assert } from "chai";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { PROTOCOL_FRAGMENT, PROTOCOL_TYPE } from "../../src/device-protocols/device-protocol.ts";
import { createDeviceProtocols } from "../../src/device-protocols/device-protocols.ts";
import { createModelRegistry } from "../../src/lwm2m/model/model-registry.ts";
import type { ManagedObject } from "../../src/platform/platform.ts";
import { ddf, ddfFile, item, object } from "../fixtures/ddf.ts";
import { createMemoryRepository } from "./memory-repository.ts";

const TEMPERATURE = ddfFile("3303-temperature");
const MEASUREMENT = { measurementCreation: { type: "c8y_Temperature", series: "T", unit: "°C" } };
const EVENT = { eventCreation: { type: "c8y_Event", text: "x" } };

function setUp(repository = createMemoryRepository()) {
  const models = createModelRegistry({ managementTenant: "management" });
  const log = createRecordingLog();
  const protocols = createDeviceProtocols({ repository, models, managementTenant: "management", log });
  return { repository, models, log, protocols };
}

interface StoredMapping {
  readonly objectId: number;
  readonly objectModel: { readonly version: string };
  readonly resourceMappings: Readonly<Record<string, unknown>>;
}
const fragment = (managed: ManagedObject): StoredMapping => managed.fragments[PROTOCOL_FRAGMENT] as StoredMapping;

async function failure(run: Promise<unknown>): Promise<MooringError> {
  try {
    await run;
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
  return assert.fail("expected a failure");
}

describe("device-protocols/device-protocols", () => {
  describe("7.2 upload of a DDF", () => {
    it("a new object becomes a managed object in the stored form of 7.1", async () => {
      const { protocols, repository } = setUp();
      const { new: made, updated, error } = await protocols.uploadDdf("t1", TEMPERATURE);
      assert.deepEqual([made.length, updated, error], [1, [], []]);
      assert.deepInclude(made[0], { type: PROTOCOL_TYPE, name: "3303 Temperature" });
      assert.deepInclude(fragment(made[0]!), {
        objectId: 3303,
        resourceMappings: {},
        objectInstanceActions: {},
      } as never);
      assert.deepEqual(repository.stored.get("t1"), [...made]);
      assert.deepEqual(protocols.list("t1"), made);
      assert.equal(protocols.find("t1", 3303)?.id, made[0]!.id);
    });
    it("types values at once: the models of the tenant are replaced", async () => {
      const { protocols, models } = setUp();
      const view = models.view("t1", new Map([[3303, "1.1"]]));
      assert.isUndefined(view.resource(3303, 5700));
      await protocols.uploadDdf("t1", TEMPERATURE);
      assert.equal(view.resource(3303, 5700)?.dataType, "FLOAT");
    });
    it("a known object keeps its resource mappings, its model is replaced, also when the resource is gone", async () => {
      const { protocols } = setUp();
      const [first] = (await protocols.uploadDdf("t1", TEMPERATURE)).new;
      await protocols.addResourceMapping("t1", "3303", { 5700: MEASUREMENT });
      const file = ddf(object({ id: "3303", name: "Heat", version: "<ObjectVersion>1.1</ObjectVersion>" }));
      const { new: made, updated } = await protocols.uploadDdf("t1", file);
      assert.isEmpty(made);
      assert.deepInclude(updated[0], { id: first!.id, name: "3303 Heat" });
      assert.deepEqual(Object.keys(protocols.find("t1", 3303)!.objectModel.resources), ["1"]);
      assert.deepEqual(fragment(updated[0]!).resourceMappings, { 5700: { resourceID: 5700, ...MEASUREMENT } });
    });
    it("another version of the object: both stay in force, each for devices that register it", async () => {
      const { protocols, models, repository } = setUp();
      await protocols.uploadDdf("t1", TEMPERATURE);
      const older = object({ id: "3303", items: [item({ id: "5700", type: "Integer" })] });
      await protocols.uploadDdf("t1", ddf(older));
      const typeIn = (version: string, of = models): string | undefined =>
        of.view("t1", new Map([[3303, version]])).resource(3303, 5700)?.dataType;
      assert.deepEqual([typeIn("1.0"), typeIn("1.1")], ["INTEGER", "FLOAT"]);
      assert.equal(protocols.find("t1", 3303)?.objectModel.version, "1.0");
      const restarted = setUp(repository);
      await restarted.protocols.load("t1");
      assert.deepEqual([typeIn("1.0", restarted.models), typeIn("1.1", restarted.models)], ["INTEGER", "FLOAT"]);
    });
    it("several objects in one file, two versions of one among them; bad ones are named", async () => {
      const { protocols } = setUp();
      const file = ddf(
        object({ id: "1000" }),
        object({ id: "1001", items: [item({ type: "Double" })] }),
        object({ id: "1002", version: "<ObjectVersion>1.2</ObjectVersion>" }),
        object({ id: "1002" }),
      );
      const { new: made, updated, error } = await protocols.uploadDdf("t1", file);
      assert.deepEqual(
        made.map(managed => [fragment(managed).objectId, fragment(managed).objectModel.version]),
        [
          [1000, "1.0"],
          [1002, "1.2"],
        ],
      );
      assert.isEmpty(updated);
      assert.deepEqual(
        error.map(({ id }) => id),
        ["1001"],
      );
      assert.match(error[0]!.msg, /object 1001, item "1": Type "Double"/);
    });
    for (const [name, file] of [
      ["a DOCTYPE", '<!DOCTYPE x [<!ENTITY a "b">]><LWM2M></LWM2M>'],
      ["broken XML", "<LWM2M><Object>"],
    ] as const) {
      it(`${name}: refused, nothing stored`, async () => {
        const { protocols, repository } = setUp();
        const error = await failure(protocols.uploadDdf("t1", new TextEncoder().encode(file)));
        assert.equal(error.code, "DDF_INVALID");
        assert.isEmpty([...repository.stored]);
      });
    }
    it("two at the same time on one object: one makes it, the other updates it", async () => {
      const { protocols, repository } = setUp();
      const answers = await Promise.all([
        protocols.uploadDdf("t1", TEMPERATURE),
        protocols.uploadDdf("t1", TEMPERATURE),
      ]);
      assert.deepEqual(
        answers.map(answer => [answer.new.length, answer.updated.length]),
        [
          [1, 0],
          [0, 1],
        ],
      );
      assert.lengthOf(repository.stored.get("t1")!, 1);
    });
    it("a store that fails changes nothing in force, and the next upload works", async () => {
      const { protocols, repository, models } = setUp();
      repository.failNext(new MooringError("STORE_FAILED", "disk full"));
      assert.equal((await failure(protocols.uploadDdf("t1", TEMPERATURE))).code, "STORE_FAILED");
      assert.isUndefined(protocols.find("t1", 3303));
      assert.isUndefined(models.find("t1", 3303));
      assert.lengthOf((await protocols.uploadDdf("t1", TEMPERATURE)).new, 1);
    });
  });

  describe("7.2 adding a resource mapping", () => {
    it("merges that resource and leaves the others alone", async () => {
      const { protocols } = setUp();
      await protocols.uploadDdf("t1", TEMPERATURE);
      await protocols.addResourceMapping("t1", "3303", { 5700: MEASUREMENT, 5701: EVENT });
      const managed = await protocols.addResourceMapping("t1", "3303", { 5701: { skipIfEmpty: true } });
      const expected = {
        5700: { resourceID: 5700, ...MEASUREMENT },
        5701: { resourceID: 5701, skipIfEmpty: true },
      };
      assert.deepEqual(fragment(managed).resourceMappings, expected);
      assert.deepEqual(protocols.find("t1", 3303)?.resourceMappings, expected as never);
    });
    it("the id may be the managed object's", async () => {
      const { protocols } = setUp();
      const [made] = (await protocols.uploadDdf("t1", TEMPERATURE)).new;
      const managed = await protocols.addResourceMapping("t1", made!.id, { 5700: EVENT });
      assert.equal(managed.id, made!.id);
    });
    it("an inherited protocol is copied into the tenant first", async () => {
      const { protocols } = setUp();
      const [theirs] = (await protocols.uploadDdf("management", TEMPERATURE)).new;
      const own = await protocols.addResourceMapping("t1", theirs!.id, { 5700: EVENT });
      assert.notEqual(own.id, theirs!.id);
      assert.deepEqual(Object.keys(protocols.find("t1", 3303)!.resourceMappings), ["5700"]);
      assert.isEmpty(protocols.find("t2", 3303)!.resourceMappings);
    });
    it("so is a built-in object", async () => {
      const { protocols } = setUp();
      const own = await protocols.addResourceMapping("t1", "4", {
        2: { customAction: { actionName: "connectivity:updateRssi" } },
      });
      assert.equal(own.name, "4 Connectivity Monitoring");
      assert.isEmpty(protocols.find("t2", 4)!.resourceMappings);
    });
    it("a bad mapping names its field and changes nothing", async () => {
      const { protocols } = setUp();
      await protocols.uploadDdf("t1", TEMPERATURE);
      const bad = { 5700: EVENT, 5701: { eventCreation: { type: "x" } } };
      const error = await failure(protocols.addResourceMapping("t1", "3303", bad));
      assert.equal(error.code, "VALIDATION");
      assert.equal(error.details["field"], "[5701].eventCreation.text");
      assert.isEmpty(protocols.find("t1", 3303)!.resourceMappings);
    });
    it("an unknown id is NOT_FOUND, also another tenant's managed object", async () => {
      const { protocols } = setUp();
      const [made] = (await protocols.uploadDdf("t1", TEMPERATURE)).new;
      for (const [tenant, id] of [
        ["t1", "9999"],
        ["t2", made!.id],
        ["t1", "x"],
        ["t1", "__proto__"],
      ] as const) {
        assert.equal((await failure(protocols.addResourceMapping(tenant, id, { 5700: EVENT }))).code, "NOT_FOUND");
      }
    });
    it("many at the same time all arrive", async () => {
      const { protocols } = setUp();
      const items = Array.from({ length: 20 }, (_, id) => item({ id: String(id) }));
      await protocols.uploadDdf("t1", ddf(object({ id: "1000", items })));
      await Promise.all(items.map((_, id) => protocols.addResourceMapping("t1", "1000", { [id]: EVENT })));
      assert.lengthOf(Object.keys(protocols.find("t1", 1000)!.resourceMappings), 20);
    });
  });

  describe("1: inheritance", () => {
    it("a tenant sees its own, then the management tenant's, then the built-in objects", async () => {
      const { protocols } = setUp();
      await protocols.uploadDdf("management", TEMPERATURE);
      await protocols.uploadDdf("management", ddfFile("33456-acme-meter"));
      const own = (await protocols.uploadDdf("t1", ddf(object({ id: "3303", name: "Own" })))).new[0]!;
      assert.equal(protocols.find("t1", 3303)?.objectModel.name, "Own");
      assert.equal(protocols.find("t2", 3303)?.objectModel.name, "Temperature");
      assert.equal(protocols.find("t1", 33456)?.objectModel.name, "Acme Meter");
      assert.deepInclude(protocols.find("t2", 3), { id: undefined, objectId: 3, resourceMappings: {} } as never);
      assert.isUndefined(protocols.find("t2", 9));
      assert.deepEqual(
        protocols.list("t1").map(({ name }) => name),
        ["3303 Own", "33456 Acme Meter"],
      );
      protocols.forget("t1", own.id);
      assert.equal(protocols.find("t1", 3303)?.objectModel.name, "Temperature");
    });
    it("deleting a managed object takes its models along; other objects are nobody's business", async () => {
      const { protocols, models } = setUp();
      const [made] = (await protocols.uploadDdf("t1", TEMPERATURE)).new;
      protocols.forget("t1", "4711");
      protocols.forget("t2", made!.id);
      assert.isDefined(protocols.find("t1", 3303));
      protocols.forget("t1", made!.id);
      assert.isUndefined(protocols.find("t1", 3303));
      assert.isUndefined(models.find("t1", 3303));
    });
  });

  describe("over a restart", () => {
    it("mappings and models are there again", async () => {
      const { protocols, repository } = setUp();
      await protocols.uploadDdf("t1", TEMPERATURE);
      await protocols.addResourceMapping("t1", "3303", { 5700: MEASUREMENT });
      const restarted = setUp(repository);
      await restarted.protocols.load("t1");
      assert.deepEqual(restarted.protocols.find("t1", 3303), protocols.find("t1", 3303));
    });
    it("reading anew follows what others changed in the store", async () => {
      const { protocols, repository, models } = setUp();
      await protocols.uploadDdf("t1", TEMPERATURE);
      repository.stored.set("t1", []);
      await protocols.load("t1");
      assert.isUndefined(protocols.find("t1", 3303));
      assert.isUndefined(models.find("t1", 3303));
    });
    it("a tenant that nobody has loaded is read before its first change", async () => {
      const { protocols, repository } = setUp();
      await protocols.uploadDdf("t1", TEMPERATURE);
      const { updated } = await setUp(repository).protocols.uploadDdf("t1", TEMPERATURE);
      assert.lengthOf(updated, 1);
    });
    it("an object that is no valid protocol is passed over with a log line; of two the one changed last counts", async () => {
      const { protocols, repository, log } = setUp();
      const [made] = (await protocols.uploadDdf("t1", TEMPERATURE)).new;
      const broken = { ...made!, id: "7", fragments: { [PROTOCOL_FRAGMENT]: { objectId: "x" } } };
      const copy = { ...made!, id: "8", lastUpdatedMs: made!.lastUpdatedMs + 1 };
      repository.stored.set("t1", [copy, broken, made!]);
      await protocols.load("t1");
      assert.equal(protocols.find("t1", 3303)?.id, "8");
      assert.deepInclude(log.lines.at(-1), { level: "warn", event: "deviceProtocol.invalid" } as never);
    });
  });

  describe("1: defaults", () => {
    it("objects 3 to 6 go to a management tenant that has nothing, once", async () => {
      const { protocols, repository } = setUp();
      await protocols.installDefaults();
      assert.deepEqual(
        protocols.list("t1").map(({ name }) => name),
        ["3 Device", "4 Connectivity Monitoring", "5 Firmware Update", "6 Location"],
      );
      const restarted = setUp(repository);
      await restarted.protocols.installDefaults();
      assert.lengthOf(repository.stored.get("management")!, 4);
    });
    it("a management tenant with protocols of its own is left alone", async () => {
      const { protocols } = setUp();
      await protocols.uploadDdf("management", TEMPERATURE);
      await protocols.installDefaults();
      assert.lengthOf(protocols.list("management"), 1);
    });
  });
});
