import { assert } from "chai";
import { PROTOCOL_FRAGMENT } from "../../src/device-protocols/device-protocol.ts";
import { lastValueOps } from "../../src/platform/last-values.ts";
import type { Fragments } from "../../src/platform/platform.ts";
import { ddf, item, object } from "../fixtures/ddf.ts";
import type { ScriptedDevice } from "../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, TENANT } from "./support/agent-world.ts";

const FILE = ddf(
  object({
    items: [
      item({ id: "1", operations: "RW", type: "Integer" }),
      item({ id: "2", operations: "RW", type: "String" }),
      item({ id: "3", operations: "RW", type: "Integer", multiple: "Multiple" }),
      item({ id: "4", operations: "RW", type: "String" }),
    ],
  }),
);
const CONTEXT = { schemaId: "7", path: "c8y_Lwm2m_10000!0", key: "1", operation: "Write" };
const rule = (type: string, valueType: string, value: unknown) => ({ type, arg: { valueType, value } });
const rules = (...group: readonly unknown[]) => ({ validation: { type: "or", arg: [{ type: "and", arg: group }] } });

describe("agent/write-rules (agent specification 12)", () => {
  let world: AgentWorld;
  let device: ScriptedDevice;
  let deviceId: string;
  beforeEach(async () => {
    world = await createAgentWorld();
    await world.wait(world.protocols.uploadDdf(TENANT, FILE));
    await world.wait(
      world.agent.addMapping(TENANT, "10000", {
        1: rules(rule("gt", "number", 0), rule("lt", "objectLink", "/10000/*/1")),
        2: rules(rule("eq", "regex", ".*dd")),
        3: rules(rule("lt", "number", 10)),
      }),
    );
    deviceId = (await world.make("dev")).id;
    device = world.device(5000);
    device.script = () => ({ code: 68 });
    await device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 0",</10000/0>');
    await world.settle();
    const values = [50, 100].map((value, instance) => ({ path: [10_000, instance, 1], value, atMs: 0 }));
    await world.wait(world.platform.write(lastValueOps(TENANT, deviceId, values)));
  });
  afterEach(() => world[Symbol.asyncDispose]());

  async function run(text: string, context: unknown = CONTEXT) {
    const body = { deviceId, c8y_Command: { text }, ...(context ? { c8y_JsonSchemaContext: context } : {}) };
    const { id } = await world.wait(world.platform.operations.create(TENANT, body));
    await world.settle();
    return world.operation(id);
  }
  const reason = async (text: string): Promise<string> => {
    const { status, failureReason } = await run(text);
    assert.equal(status, "FAILED", text);
    return failureReason!;
  };
  const sent = (): string[] => device.asked.map(({ method, path }) => `${method} ${path}`);

  it("what the rules allow is written", async () => {
    for (const text of [
      "write /10000/0/1 99",
      "write /10000/0/2 add",
      'write /10000/0/3 {"0":1,"1":9}',
      "write /10000/0/4 any",
    ]) {
      assert.equal((await run(text)).status, "SUCCESSFUL", text);
    }
    assert.deepEqual(sent(), ["PUT /10000/0/1", "PUT /10000/0/2", "PUT /10000/0/3", "PUT /10000/0/4"]);
  });

  it("what they do not is refused with rule and value, and nothing is sent", async () => {
    assert.equal(
      await reason("write /10000/0/1 100"),
      "/10000/0/1: 100 is refused by the validation rules: it must be lower than /10000/*/1, which is 50 or 100 now",
    );
    assert.include(
      await reason("write /10000/0/2 adder"),
      '/10000/0/2: "adder" is refused by the validation rules: it must match ".*dd"',
    );
    assert.include(await reason('write /10000/0/3 {"0":1,"4":10}'), "/10000/0/3/4: 10 is refused");
    assert.isEmpty(sent());
  });

  it("hold for each way to write, and for each value of a line", async () => {
    assert.include(await reason("writep /10000/0/1 100"), "/10000/0/1: 100 is refused");
    assert.include(await reason("cwrite /10000/0/4 ok /10000/0/1 100"), "/10000/0/1: 100 is refused");
    assert.include(await reason('write /10000/0 {"4":"ok","1":100}'), "/10000/0/1: 100 is refused");
    assert.isEmpty(sent());
  });

  it("hold for the lines of one operation as well", async () => {
    const { id } = await run("write /10000/0/4 ok\nwrite /10000/0/1 100");
    const page = { currentPage: 1, pageSize: 10, withTotal: false };
    const { items } = await world.wait(world.platform.operations.list(TENANT, { deviceId }, page));
    const lines = items.filter(operation => operation.id !== id).map(({ status }) => status);
    assert.sameMembers(lines, ["SUCCESSFUL", "FAILED"]);
    assert.deepEqual(sent(), ["PUT /10000/0/4"]);
  });

  it("a command of the shell passes them by", async () => {
    assert.equal((await run("write /10000/0/1 -7", null)).status, "SUCCESSFUL");
    assert.equal((await run("write /10000/0/1 -7", "not a place")).status, "SUCCESSFUL");
    assert.lengthOf(sent(), 2);
  });

  it("11.2: the place where an operation was made stays with it, whatever becomes of it", async () => {
    for (const text of ["write /10000/0/1 99", "write /10000/0/1 -1"]) {
      assert.deepEqual((await run(text)).fragments["c8y_JsonSchemaContext"], CONTEXT);
    }
  });

  it("other commands of the objects view have nothing to be checked", async () => {
    device.script = () => ({ code: 69, contentFormat: 0, payload: "1000" });
    assert.equal((await run("read /10000/0/1")).status, "SUCCESSFUL");
  });

  it("a pattern that takes too long refuses, and the host goes on", async () => {
    await world.wait(world.agent.addMapping(TENANT, "10000", { 2: rules(rule("eq", "regex", "(a+)+b")) }));
    assert.include(await reason(`write /10000/0/2 ${"a".repeat(60)}`), '"(a+)+b" took more than 200 ms to match');
  });

  it("stored rules that cannot be used refuse every value, and say why", async () => {
    const protocol = world.protocols.list(TENANT).find(({ name }) => name === "10000 Example")!;
    const mapping = protocol.fragments[PROTOCOL_FRAGMENT] as { readonly resourceMappings: Fragments };
    const resourceMappings = { ...mapping.resourceMappings, 4: rules(rule("gt", "number", 1)) };
    const change = { [PROTOCOL_FRAGMENT]: { ...mapping, resourceMappings } };
    await world.wait(world.platform.inventory.update(TENANT, protocol.id, change));
    assert.match(
      await reason("write /10000/0/4 x"),
      /^the validation rules of resource 4 of object 10000 cannot be used: validation\.arg\[0\]\.arg\[0\]\.type must be one of eq, neq/,
    );
    assert.isEmpty(sent());
  });
});
