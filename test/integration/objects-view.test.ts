/**
 * The objects view of a device as its client uses it (agent specification 11, 12): schemas are found in the inventory, matched with the fragments of the
 * device, and their templates become operations.
 */
import { assert } from "chai";
import {
  AGENT,
  awaitOperation,
  describeObject,
  expectStatus,
  type ManagedObject,
  mapResources,
  type Operation,
  registerDevice,
  runCommand,
  uploadDdf,
} from "../harness/agent.ts";
import { alarms, managedObject } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { withHost } from "../harness/with-host.ts";
import { createSimulatedDevice, type SimulatedDevice } from "../simulator/index.ts";
import type { SimulatedInstance, SimulatedObjects } from "../simulator/resource.ts";

interface Property {
  readonly type: string;
  readonly operations: readonly { readonly name: string; readonly template: string }[];
}
interface Schema extends ManagedObject {
  readonly appliesTo: { readonly GENERIC_UI?: boolean };
  readonly c8y_JsonSchema: { readonly fragmentType: string; readonly properties: Readonly<Record<string, Property>> };
}
type Fragment = Readonly<Record<string, unknown>>;

const item = (id: number, type: string, operations: string, multiple = "Single"): string =>
  `<Item ID="${id}"><Name>R${id}</Name><Operations>${operations}</Operations><MultipleInstances>${multiple}</MultipleInstances>` +
  `<Mandatory>Optional</Mandatory><Type>${type}</Type><RangeEnumeration></RangeEnumeration><Units></Units><Description></Description></Item>`;
const DDF =
  '<LWM2M><Object ObjectType="MODefinition"><Name>Pump</Name><Description1></Description1><ObjectID>10330</ObjectID>' +
  "<ObjectURN>urn:oma:lwm2m:x:10330</ObjectURN><MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory><Resources>" +
  [
    item(1, "Integer", "RW"),
    item(2, "String", "RW"),
    item(3, "Time", "R"),
    item(4, "", "E"),
    item(5, "Float", "R", "Multiple"),
  ].join("") +
  "</Resources></Object></LWM2M>";
const FRAGMENT = "c8y_Lwm2m_10330!2";

const pump = (onExecute: (args: string) => void): SimulatedInstance =>
  new Map([
    [1, { type: "integer", value: 40, writable: true }],
    [2, { type: "string", value: '{"a":1}', writable: true }],
    [3, { type: "time", value: 1_736_960_596 }],
    [4, { type: "string", execute: onExecute }],
    [
      5,
      {
        type: "float",
        value: new Map([
          [0, 0.5],
          [3, 1.5],
        ]),
      },
    ],
  ]);

describe("objects view", () => {
  const suite = withHost();
  let device: SimulatedDevice;
  let id: string;
  let executed: string[];

  before(async () => {
    const { api } = suite;
    expectStatus(await uploadDdf(api, "pump.xml", DDF), 200, "pump.xml");
    await describeObject(api, "3303.xml");
    const limit = { type: "lt", arg: { valueType: "number", value: 100 } };
    await mapResources(api, 10_330, { 1: { validation: { type: "or", arg: [{ type: "and", arg: [limit] }] } } });
    executed = [];
    ({ id } = await registerDevice(api, { endpointId: "pump-1" }));
    const objects: SimulatedObjects = new Map([[10_330, new Map([[2, pump(args => void executed.push(args))]])]]);
    device = await createSimulatedDevice({
      endpoint: "pump-1",
      serverPort: suite.host.coapPort,
      objects,
      lwm2mVersion: "1.1",
    });
    await device.register();
    assert.equal((await runCommand(api, id, "read /10330")).status, "SUCCESSFUL");
  });
  after(() => device.close());

  const schemas = async (): Promise<readonly Schema[]> => {
    const path = "/inventory/managedObjects?type=c8y_JsonSchema&pageSize=2000";
    const { managedObjects } = expectStatus(await suite.api.get<{ managedObjects: Schema[] }>(path), 200, "schemas");
    return managedObjects.filter(({ appliesTo }) => appliesTo?.GENERIC_UI);
  };
  const fragment = async (): Promise<Fragment> => (await managedObject(suite.api, id))[FRAGMENT] as Fragment;
  const schema = async (): Promise<Schema> =>
    (await schemas()).find(({ c8y_JsonSchema }) => new RegExp(c8y_JsonSchema.fragmentType).test(FRAGMENT))!;

  /** Presses a button of a property. */
  async function press(key: string, operation: string, inputValue = ""): Promise<Operation> {
    const { api } = suite;
    const { id: schemaId, c8y_JsonSchema } = await schema();
    const { template } = c8y_JsonSchema.properties[key]!.operations.find(({ name }) => name === operation)!;
    const instance = String((await fragment())["instance"]);
    const values: Readonly<Record<string, string>> = { "object.instance": instance, property: key, inputValue };
    const body = JSON.parse(template.replace(/\$\{([^}]+)\}/g, (_, name: string) => values[name]!)) as object;
    const context = { schemaId, path: FRAGMENT, key, operation };
    const answer = await api.post<Operation>("/devicecontrol/operations", {
      c8y_JsonSchemaContext: context,
      deviceId: id,
      deviceName: "pump-1",
      description: operation,
      ...body,
    });
    const ended = await awaitOperation(api, expectStatus(answer, 201, operation).id);
    assert.deepInclude(ended, { c8y_JsonSchemaContext: context, description: operation } as never, "11.2");
    return ended;
  }

  it("11.1: the device shows the tab, and each instance of an object its card", async () => {
    assert.deepEqual((await managedObject(suite.api, id))["c8y_GenericUi"], {});
    const found = await schemas();
    assert.includeMembers(
      found.flatMap(each => Object.keys(each).filter(name => name.startsWith("c8y_GenericUI_Schema_"))),
      ["c8y_GenericUI_Schema_10330", "c8y_GenericUI_Schema_3303", "c8y_GenericUI_Schema_3", "c8y_GenericUI_Schema_1"],
    );
    const { properties } = (await schema()).c8y_JsonSchema;
    assert.includeMembers(Object.keys(await fragment()), Object.keys(properties), "what has no key is not shown");
  });

  it("20-24: values are of the types that the schema says, JSON stands in strings", async () => {
    const shown = await fragment();
    assert.deepEqual(shown, {
      instance: 2,
      operations: null,
      1: 40,
      2: '{"a":1}',
      3: 1_736_960_596,
      4: null,
      5: '{"0":0.5,"3":1.5}',
    });
    const { properties } = (await schema()).c8y_JsonSchema;
    assert.deepEqual(
      [1, 2, 3, 5].map(key => properties[key]!.type),
      ["integer", "string", "integer", "array"],
    );
  });

  it("20-14: an object without a definition raises the alarm, one with a definition and no mapping does not", async () => {
    const { api } = suite;
    const other = await registerDevice(api, { endpointId: "pump-3" });
    const unknown: SimulatedInstance = new Map([[1, { type: "integer", value: 1 }]]);
    const objects: SimulatedObjects = new Map([
      [10_330, new Map([[2, pump(() => {})]])],
      [10_331, new Map([[0, unknown]])],
    ]);
    const third = await createSimulatedDevice({
      endpoint: "pump-3",
      serverPort: suite.host.coapPort,
      objects,
      lwm2mVersion: "1.1",
    });
    try {
      await third.register();
      const read = async (path: string) =>
        assert.equal((await runCommand(api, other.id, `read ${path}`)).status, "SUCCESSFUL");
      await read("/10330/2/1");
      assert.isEmpty(await alarms(api, other.id));
      await read("/10331/0/1");
      const raised = (await alarms(api, other.id)).map(({ type, status }) => [type, status]);
      assert.deepEqual(raised, [["c8y_LWM2MNoMapping_10331", "ACTIVE"]]);
      expectStatus(await uploadDdf(api, "other.xml", DDF.replaceAll("10330", "10331")), 200, "other.xml");
      assert.deepEqual(
        (await alarms(api, other.id)).map(({ status }) => status),
        ["CLEARED"],
      );
    } finally {
      await third.close();
    }
  });

  it("buttons read, write and execute; what was written is shown at once", async () => {
    device.set("/10330/2/3", 1_736_960_600);
    assert.equal((await press("3", "Read")).status, "SUCCESSFUL");
    assert.equal((await press("1", "Write", "99")).status, "SUCCESSFUL");
    assert.equal(device.value("/10330/2/1"), 99);
    assert.deepInclude(await fragment(), { 1: 99, 3: 1_736_960_600 });
    assert.equal((await press("4", "Execute")).status, "SUCCESSFUL");
    assert.equal((await press("4", "Execute with parameters", "0='now'")).status, "SUCCESSFUL");
    assert.deepEqual(executed, ["", "0='now'"]);
    for (const entry of ["Read Object", "Read Instance"])
      assert.equal((await press("operations", entry)).status, "SUCCESSFUL");
  });

  it("12: a value that the rules refuse is never sent, the reason names both; the shell passes by", async () => {
    const refused = await press("1", "Write", "100");
    assert.equal(refused.status, "FAILED");
    assert.equal(
      refused.failureReason,
      "/10330/2/1: 100 is refused by the validation rules: it must be lower than 100",
    );
    assert.notEqual(device.value("/10330/2/1"), 100);
    assert.equal((await runCommand(suite.api, id, "write /10330/2/1 100")).status, "SUCCESSFUL");
    assert.equal(device.value("/10330/2/1"), 100);
  });

  it("12: rules that cannot be are refused when they are saved, naming the place", async () => {
    const rule = { type: "gt", arg: { valueType: "string", value: "x" } };
    const answer = await suite.api.put(`${AGENT}/objectResourceMappings/10330/add`, {
      2: { validation: { type: "or", arg: [{ type: "and", arg: [rule] }] } },
    });
    assert.equal(answer.status, 422);
    assert.include(JSON.stringify(answer.body), "[2].validation.arg[0].arg[0].type must be one of eq, neq for STRING");
  });

  it("11.4: a second device gets what the first has", async () => {
    const { api } = suite;
    const other = await registerDevice(api, { endpointId: "pump-2" });
    const objects: SimulatedObjects = new Map([[10_330, new Map([[2, pump(() => {})]])]]);
    const second = await createSimulatedDevice({
      endpoint: "pump-2",
      serverPort: suite.host.coapPort,
      objects,
      lwm2mVersion: "1.1",
    });
    try {
      await second.register();
      second.set("/10330/2/2", "other");
      const answer = await api.post<Operation>("/devicecontrol/operations", {
        type: "c8y_ConfigAuditSync",
        description: "Audit configuration synchronization",
        deviceId: other.id,
        referenceDevice: id,
        syncData: { [FRAGMENT]: true },
      });
      const ended = await awaitOperation(api, expectStatus(answer, 201, "sync").id);
      assert.equal(ended.status, "SUCCESSFUL");
      assert.deepInclude(ended, {
        syncResult: { "/10330/2/1": "2.04 Changed", "/10330/2/2": "2.04 Changed" },
      } as never);
      assert.equal(second.value("/10330/2/1"), device.value("/10330/2/1"));
      assert.equal(second.value("/10330/2/2"), '{"a":1}');
    } finally {
      await second.close();
    }
  });

  it("11.3: what the device has no more goes, where it is set so", async () => {
    const { api } = suite;
    await runCommand(api, id, "read /10330/7");
    expectStatus(
      await api.put(`/inventory/managedObjects/${id}`, { c8y_GenericUI_retainOldValuesIfError: false }),
      200,
      "setting",
    );
    assert.property(await managedObject(api, id), FRAGMENT);
    assert.equal((await runCommand(api, id, "discover /10330/2")).status, "SUCCESSFUL");
    assert.property(await fragment(), "1");
    assert.equal((await runCommand(api, id, "read /10330/2/9")).status, "FAILED");
    device.forget();
    await device.close();
    device = await createSimulatedDevice({
      endpoint: "pump-1",
      serverPort: suite.host.coapPort,
      objects: new Map([[3, new Map()]]),
      lwm2mVersion: "1.1",
    });
    await device.register();
    assert.equal((await runCommand(api, id, "read /10330/2")).status, "FAILED");
    assert.notProperty(await managedObject(api, id), FRAGMENT);
  });

  it("11.1: the end of an object's definition is the end of its schema", async () => {
    const { api } = suite;
    const mappings = await api.get<readonly ManagedObject[]>(`${AGENT}/objectResourceMappings`);
    const { id: mapping } = mappings.body.find(({ name }) => name === "3303 Temperature")!;
    expectStatus(await api.del(`/inventory/managedObjects/${mapping}`), 204, "delete");
    await eventually(
      async () => {
        const left = (await schemas()).filter(each => "c8y_GenericUI_Schema_3303" in each);
        if (left.length > 0) throw new Error(`${left.length} left`);
        return left;
      },
      { withinMs: 5000, what: "the end of the schema of object 3303" },
    );
  });
});
