import { assert } from "chai";
import type { AgentServices } from "../../src/agent/agent.ts";
import type { RegistrationSummary } from "../../src/agent/registration-list.ts";
import { MooringError } from "../../src/base/errors.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { openRest, PASSWORD, type RestFixture } from "./fixture.ts";

const AGENT = "/service/lwm2m-agent";

/** Notes what it was asked and answers with documents of the platform. */
function createNotingAgent(platform: Platform, calls: unknown[][]): AgentServices {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const object = (tenant: string, name: string) => platform.inventory.create(tenant, { name }, { owner: "admin" });
  return {
    async registerDevice(tenant, body, user) {
      calls.push(["registerDevice", tenant, body, user]);
      const { endpointId } = body as { endpointId?: string };
      if (endpointId === "known") throw new MooringError("DUPLICATE", "endpoint known is registered already");
      if (endpointId === undefined) {
        throw new MooringError("VALIDATION", "endpointId is missing", { field: "endpointId", rule: "is missing" });
      }
      return await object(tenant, endpointId);
    },
    async registerDevicesCsv(tenant, csv, user) {
      calls.push(["registerDevicesCsv", tenant, text(csv), user]);
      const { id } = await object(tenant, "connector");
      return await platform.operations.create(tenant, {
        deviceId: id,
        description: "LWM2M bulk device upload operation",
      });
    },
    async removeDevicesCsv(tenant, csv, user) {
      calls.push(["removeDevicesCsv", tenant, text(csv), user]);
      const { id } = await object(tenant, "connector");
      return await platform.operations.create(tenant, {
        deviceId: id,
        description: "LWM2M bulk device removal operation",
      });
    },
    async removeDevice(tenant, deviceId) {
      calls.push(["removeDevice", tenant, deviceId]);
      await platform.inventory.delete(tenant, deviceId);
    },
    async listMappings(tenant) {
      return [await object(tenant, "3303 Temperature")];
    },
    async uploadDdf(tenant, fileName, xml) {
      calls.push(["uploadDdf", tenant, fileName, text(xml)]);
      return { new: [await object(tenant, "3303 Temperature")], updated: [], error: [{ id: "3304", msg: "broken" }] };
    },
    async addMapping(tenant, id, body) {
      calls.push(["addMapping", tenant, id, body]);
      return await object(tenant, `${id} Temperature`);
    },
    listActions: () => Promise.resolve([{ name: "device", args: ["updateManufacturer"] }]),
    postRegistrationOptions: async () => ({ id: "1", type: "lwm2m_post_registration", commands: "read /3" }),
    async setPostRegistrationOptions(tenant, body) {
      calls.push(["setPostRegistrationOptions", tenant, body]);
      return { id: "1", type: "lwm2m_post_registration", commands: "read /6" };
    },
    explain: () => Promise.reject(new TypeError("not asked")),
    async deviceObjects(tenant, deviceId) {
      calls.push(["deviceObjects", tenant, deviceId]);
      return { deviceId, endpoint: "dev", registered: false, awake: false, objects: [] };
    },
    async availability(tenant, deviceId) {
      calls.push(["availability", tenant]);
      const object = await platform.inventory.find(tenant, deviceId);
      if (object?.name !== "watched") return undefined;
      const statuses = { dataStatus: "UNAVAILABLE", connectionStatus: "CONNECTED" } as const;
      return { endpoint: "dev", interval: 12, lastMessageMs: 0, ...statuses };
    },
    async listRegistrations(tenant, page) {
      calls.push(["listRegistrations", tenant, page.currentPage, page.pageSize, page.withTotal]);
      return { items: [{ endpoint: "dev" } as RegistrationSummary], total: 7 };
    },
  };
}

describe("rest/agent", () => {
  let rest: RestFixture;
  let calls: unknown[][];
  beforeEach(async () => {
    calls = [];
    rest = await openRest({ agentFor: platform => createNotingAgent(platform, calls) });
  });
  afterEach(() => rest[Symbol.asyncDispose]());

  const upload = (content: string | Uint8Array, fileName: string | undefined, field = "file"): FormData => {
    const form = new FormData();
    form.append(field, new Blob([content as string]), fileName);
    return form;
  };

  describe("device registration (agent specification 3)", () => {
    const path = `${AGENT}/deviceRegistration`;

    it("3.1: 201 with the device's managed object", async () => {
      const body = { endpointId: "urn:my:device", serverSecurity: { securityMode: "NO_SEC" } };
      const answer = await rest.ask("POST", path, { body });
      assert.equal(answer.status, 201);
      assert.equal(answer.body.name, "urn:my:device");
      assert.equal(answer.headers.get("location"), `${rest.origin}/inventory/managedObjects/${answer.body.id}`);
      assert.deepEqual(calls, [["registerDevice", "t1", body, "admin"]]);
    });

    it("3.1: a duplicate is 409, a bad body 422 by name", async () => {
      assert.equal((await rest.ask("POST", path, { body: { endpointId: "known" } })).status, 409);
      const bad = await rest.ask("POST", path, { body: {} });
      assert.deepEqual([bad.status, bad.body.details.field], [422, "endpointId"]);
      assert.equal((await rest.ask("POST", path, { body: "{" })).status, 400);
      assert.lengthOf(calls, 2);
    });

    it("3.1: the CSV of devices to remove goes to the agent, the operation comes back", async () => {
      const csv = "endpoint id\nd1\n";
      const answer = await rest.ask("DELETE", `${path}/bulk`, { body: upload(csv, "devices.csv") });
      assert.equal(answer.status, 201);
      assert.equal(answer.body.description, "LWM2M bulk device removal operation");
      assert.equal(answer.headers.get("location"), `${rest.origin}/devicecontrol/operations/${answer.body.id}`);
      assert.deepEqual(calls, [["removeDevicesCsv", "t1", csv, "admin"]]);
      assert.equal((await rest.ask("DELETE", `${path}/bulk`)).status, 201, "a body that is not multipart is the file");
    });

    it("3.2: the CSV goes to the agent, the operation comes back", async () => {
      const csv = "endpoint id;securityMode\nd1;NO_SEC\n";
      const answer = await rest.ask("POST", `${path}/bulk`, { body: upload(csv, "devices.csv") });
      assert.equal(answer.status, 201);
      assert.equal(answer.body.description, "LWM2M bulk device upload operation");
      assert.equal(answer.headers.get("location"), `${rest.origin}/devicecontrol/operations/${answer.body.id}`);
      await rest.ask("POST", `${path}/bulk`, { body: csv, headers: { "Content-Type": "text/csv" } });
      assert.deepEqual(calls, [
        ["registerDevicesCsv", "t1", csv, "admin"],
        ["registerDevicesCsv", "t1", csv, "admin"],
      ]);
    });

    it("3.1: DELETE removes", async () => {
      const id = await rest.createDevice();
      assert.equal((await rest.ask("DELETE", `${path}/${id}`)).status, 204);
      assert.equal((await rest.ask("DELETE", `${path}/${id}`)).status, 404);
      assert.deepEqual(calls, [
        ["removeDevice", "t1", id],
        ["removeDevice", "t1", id],
      ]);
    });
  });

  it("agent specification 13: commands after registration are read and set", async () => {
    const path = `${AGENT}/postRegistrationOptions`;
    const read = await rest.ask("GET", path);
    assert.deepEqual(read.body, { id: "1", type: "lwm2m_post_registration", commands: "read /3" });
    const set = await rest.ask("PUT", path, { body: { commands: "read /6" } });
    assert.deepEqual([set.status, set.body.commands], [200, "read /6"]);
    assert.deepEqual(calls, [["setPostRegistrationOptions", "t1", { commands: "read /6" }]]);
  });

  it("platform API 5.5: availability of a device that is monitored, 404 for others", async () => {
    const id = await rest.createDevice("watched");
    const { status, body } = await rest.ask("GET", `/inventory/managedObjects/${id}/availability`);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      deviceId: id,
      externalId: "dev",
      lastMessage: "1970-01-01T00:00:00.000Z",
      interval: 12,
      dataStatus: "UNAVAILABLE",
      connectionStatus: "CONNECTED",
    });
    const other = await rest.createDevice("other");
    assert.equal((await rest.ask("GET", `/inventory/managedObjects/${other}/availability`)).status, 404);
    await rest.tenants.createUser("t1", { userName: "nobody", password: PASSWORD, roles: [] });
    const forbidden = await rest.ask("GET", `/inventory/managedObjects/${id}/availability`, { as: "t1/nobody" });
    assert.equal(forbidden.status, 403);
  });

  it("agent specification 18: registrations come in pages", async () => {
    const query = "pageSize=1&currentPage=2&withTotalElements=true";
    const { status, body } = await rest.ask("GET", `${AGENT}/v1/registration?${query}`);
    assert.equal(status, 200);
    assert.deepEqual(body.registrations, [{ endpoint: "dev" }]);
    assert.deepEqual(body.statistics, { currentPage: 2, pageSize: 1, totalElements: 7 });
    assert.include(body.next, "currentPage=3");
    assert.deepEqual(calls, [["listRegistrations", "t1", 2, 1, true]]);
  });

  it("the objects of a device are those of the caller's tenant", async () => {
    const { status, body } = await rest.ask("GET", `${AGENT}/v1/device/7/objects`);
    assert.deepEqual([status, body.endpoint, body.objects], [200, "dev", []]);
    assert.deepEqual(calls, [["deviceObjects", "t1", "7"]]);
  });

  describe("object mappings (agent specification 7.2)", () => {
    it("lists, and names the actions", async () => {
      const mappings = await rest.ask("GET", `${AGENT}/objectResourceMappings`);
      assert.deepEqual(
        mappings.body.map(({ name }: { name: string }) => name),
        ["3303 Temperature"],
      );
      const actions = await rest.ask("GET", `${AGENT}/mappingActions/resourceactions`);
      assert.deepEqual(actions.body, [{ name: "device", args: ["updateManufacturer"] }]);
    });

    it("takes a DDF; blanks in its name become _", async () => {
      const { status, body } = await rest.ask("POST", `${AGENT}/objectResourceMappings/ddf`, {
        body: upload("<LWM2M/>", "my object.xml", "anything"),
      });
      assert.equal(status, 200);
      assert.deepEqual([body.new.length, body.updated, body.error], [1, [], [{ id: "3304", msg: "broken" }]]);
      assert.deepEqual(calls, [["uploadDdf", "t1", "my_object.xml", "<LWM2M/>"]]);
    });

    it("merges a mapping", async () => {
      const body = { "5700": { resourceID: 5700, measurementCreation: { type: "t", series: "T" } } };
      const answer = await rest.ask("PUT", `${AGENT}/objectResourceMappings/3303/add`, { body });
      assert.deepEqual([answer.status, answer.body.name], [200, "3303 Temperature"]);
      assert.deepEqual(calls, [["addMapping", "t1", "3303", body]]);
    });
  });

  describe("uploads", () => {
    const ddf = `${AGENT}/objectResourceMappings/ddf`;
    const type = "multipart/form-data; boundary=B";
    const part = (head: string, content: string) =>
      `--B\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;

    const bad: [name: string, body: unknown, contentType: string | undefined, status: number][] = [
      ["multipart without boundary", "x", "multipart/form-data", 400],
      ["multipart that is none", "x", type, 400],
      ["multipart that ends early", part('name="file"; filename="a.xml"', "<LWM2M"), type, 400],
      ["multipart without a file", `${part('name="other"', "x")}--B--\r\n`, type, 422],
      ["an empty multipart", "--B--\r\n", type, 422],
      ["a file that is too large", `${part('name="file"; filename="a"', "x".repeat(70_000))}--B--\r\n`, type, 413],
      ["a raw body that is too large", "x".repeat(70_000), "text/xml", 413],
    ];
    for (const [name, body, contentType, status] of bad) {
      it(`refuses ${name}, the agent is not asked`, async () => {
        const headers = contentType === undefined ? {} : { "Content-Type": contentType };
        const answer = await rest.ask("POST", ddf, { body, headers });
        assert.equal(answer.status, status, answer.text);
        assert.isString(answer.body.error);
        assert.deepEqual(calls, []);
      });
    }

    it("platform API 4.2, 12.3: other parts before and after, no file name, no type", async () => {
      const body = `${part('name="object"', "{}")}${part('name="file"', "<LWM2M/>")}${part('name="z"', "1")}--B--\r\n`;
      const { status } = await rest.ask("POST", ddf, { body, headers: { "Content-Type": type } });
      assert.equal(status, 200);
      assert.deepEqual(calls, [["uploadDdf", "t1", "", "<LWM2M/>"]]);
    });

    it("bytes arrive unchanged", async () => {
      const bytes = Uint8Array.from({ length: 60_000 }, (_, i) => (i * 7) & 0x7f);
      await rest.ask("POST", ddf, { body: upload(bytes, "a.bin") });
      assert.deepEqual(calls, [["uploadDdf", "t1", "a.bin", Buffer.from(bytes).toString()]]);
    });
  });

  it("agent specification 18: needs its roles", async () => {
    await rest.tenants.createUser("t1", {
      userName: "reader",
      password: "correct horse",
      roles: ["ROLE_INVENTORY_READ"],
    });
    const status = async (method: string, path: string) =>
      (await rest.ask(method, `${AGENT}${path}`, { as: "t1/reader", body: method === "GET" ? undefined : {} })).status;
    assert.equal(await status("GET", "/objectResourceMappings"), 200);
    assert.equal(await status("GET", "/mappingActions/resourceactions"), 200);
    assert.equal(await status("POST", "/objectResourceMappings/ddf"), 403);
    assert.equal(await status("PUT", "/objectResourceMappings/3/add"), 403);
    assert.equal(await status("POST", "/deviceRegistration"), 403);
    assert.equal(await status("POST", "/deviceRegistration/bulk"), 403);
    assert.equal(await status("DELETE", "/deviceRegistration/1"), 403);
    assert.deepEqual(calls, []);
  });
});
