/** The official client of the platform against the REST API, unchanged (platform API 4). */
import type { Client } from "@c8y/client";
import { assert } from "chai";
import { openRest, PASSWORD, type RestFixture } from "../../core/test/rest/fixture.ts";
import { pem } from "../../core/test/x509/support/certificates.ts";

const TIME = "2026-01-01T10:00:00.000Z";

describe("@c8y/client", () => {
  let rest: RestFixture;
  let client: Client;
  let id: string;

  before(async () => {
    rest = await openRest();
    const { BasicAuth, Client: OfficialClient } = await import("@c8y/client");
    // The import leaves a global `window`, by which other libraries would take this for a browser.
    Reflect.deleteProperty(globalThis, "window");
    client = new OfficialClient(new BasicAuth({ tenant: "t1", user: "admin", password: PASSWORD }), rest.origin);
    client.core.tenant = "t1";
  });
  after(() => rest[Symbol.asyncDispose]());

  beforeEach(async () => {
    const made = await client.inventory.create({ name: "meter 7", type: "c8y_lwm2m", c8y_IsDevice: {} });
    id = made.data.id;
  });

  /** What the client throws: `{res, data}` with the parsed error body. */
  async function refused(run: () => Promise<unknown>): Promise<{ status: number; error: string }> {
    try {
      await run();
    } catch (thrown) {
      const { res, data } = thrown as { res: { status: number }; data: { error: string } };
      return { status: res.status, error: data.error };
    }
    return assert.fail("nothing was refused");
  }

  it("4.1: logs in", async () => {
    const { BasicAuth, Client: OfficialClient } = await import("@c8y/client");
    const logged = await OfficialClient.authenticate({ user: "admin", password: PASSWORD }, rest.origin);
    assert.equal(logged.core.tenant, "t1");
    const wrong = new OfficialClient(new BasicAuth({ tenant: "t1", user: "admin", password: "wrong" }), rest.origin);
    assert.deepEqual(await refused(() => wrong.tenant.current()), { status: 401, error: "security/Unauthorized" });
  });

  it("4.3: tenant and user", async () => {
    assert.equal((await client.tenant.current()).data.name, "t1");
    assert.equal((await client.user.current()).data.userName, "admin");
    const { data } = await client.user.currentWithEffectiveRoles();
    assert.include(
      (data.effectiveRoles ?? []).map(role => role.id),
      "ROLE_INVENTORY_ADMIN",
    );
  });

  describe("inventory", () => {
    it("create, detail, update, delete", async () => {
      const { data, res } = await client.inventory.detail(id);
      assert.equal(res.status, 200);
      assert.deepInclude(data, { name: "meter 7", c8y_IsDevice: {} });
      const updated = await client.inventory.update({ ...data, name: "meter 8", note: { a: 1 } });
      assert.deepInclude(updated.data, { id, name: "meter 8", note: { a: 1 } });
      assert.equal((await client.inventory.delete(id)).res.status, 204);
      assert.deepEqual(await refused(() => client.inventory.detail(id)), { status: 404, error: "inventory/Not Found" });
    });

    it("list with paging, and count", async () => {
      const type = `paged ${id}`;
      for (let i = 0; i < 5; i++) await client.inventory.create({ name: String(i), type });
      const first = await client.inventory.list({ type, pageSize: 2, withTotalPages: true });
      assert.deepEqual(
        first.data.map(({ name }) => name),
        ["0", "1"],
      );
      assert.equal(first.paging?.totalPages, 3);
      const second = await first.paging!.next();
      assert.deepEqual(
        second.data.map(({ name }) => name),
        ["2", "3"],
      );
      assert.equal(second.paging?.currentPage, 2);
      const back = await second.paging!.prev();
      assert.equal(back?.paging?.currentPage, 1);
      assert.equal((await client.inventory.count({ type })).data, 5);
    });
  });

  describe("binaries", () => {
    const sent = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));

    it("create, list, download whole and in part, delete", async () => {
      // Its types know the browser's files only; in Node it takes what the package form-data takes.
      const { data, res } = await client.inventoryBinary.create(sent as never, { name: "fw.bin", type: "c8y_Test" });
      const file = data.id!;
      assert.equal(res.status, 201);
      const shown: Record<string, unknown> = { ...data };
      assert.deepInclude(shown, { name: "fw.bin", type: "c8y_Test", length: 100_000, c8y_IsBinary: "" });
      const found = await client.inventoryBinary.list({ type: "c8y_Test", pageSize: 10 });
      assert.deepEqual(
        found.data.map(each => each.id),
        [file],
      );
      const whole = await client.inventoryBinary.download(file);
      assert.isTrue(Buffer.from(await whole.arrayBuffer()).equals(sent));
      const part = await client.inventoryBinary.download(file, { headers: { Range: "bytes=99990-" } });
      assert.equal(part.status, 206);
      assert.isTrue(Buffer.from(await part.arrayBuffer()).equals(sent.subarray(99_990)));
      assert.equal((await client.inventoryBinary.delete(file)).res.status, 204);
      assert.deepEqual(await refused(() => client.inventoryBinary.download(file)), {
        status: 404,
        error: "inventory/Not Found",
      });
    });
  });

  it("firmware as the platform's UI keeps it: a file, a version above it, the firmware above that; gone with one request", async () => {
    const { inventory, inventoryBinary } = client;
    const name = `fw ${id}`;
    const firmware = (await inventory.create({ type: "c8y_Firmware", name, c8y_Global: {} })).data;
    const file = (await inventoryBinary.create(Buffer.from("image") as never, { name: "fw.bin" })).data;
    const url = (file as unknown as { self: string }).self;
    const version = { type: "c8y_FirmwareBinary", c8y_Firmware: { version: "2.0", url }, c8y_Global: {} };
    const made = (await inventory.childAdditionsCreate(version, firmware.id)).data;
    await inventory.childAdditionsAdd(file.id!, made.id!);
    const found = await inventory.childAdditionsList(firmware.id, { pageSize: 10 });
    assert.deepEqual(found.data[0]?.["c8y_Firmware"], { version: "2.0", url });
    assert.equal(await (await inventoryBinary.download(file.id!)).text(), "image");
    await inventory.delete(firmware.id, { forceCascade: true });
    for (const gone of [firmware.id, made.id!, file.id!]) {
      assert.equal((await refused(() => inventory.detail(gone))).status, 404);
    }
  });

  it("children: create, add, bulk add, list with paging, remove", async () => {
    const { inventory } = client;
    const made = (await inventory.childAdditionsCreate({ name: "made" }, id)).data;
    const other = (await inventory.create({ name: "other" })).data;
    const third = (await inventory.create({ name: "third" })).data;
    await inventory.childAdditionsAdd(other.id, id);
    await inventory.childAdditionsBulkAdd([third, other], id);
    const page = await inventory.childAdditionsList(id, { pageSize: 2, withTotalPages: true });
    assert.deepEqual(
      page.data.map(each => each["name"]),
      ["made", "other"],
    );
    assert.equal(page.paging?.totalPages, 2);
    assert.equal((await inventory.childAdditionsRemove(made.id!, id)).res.status, 204);
    await inventory.childDevicesAdd(other.id, id);
    await inventory.childAssetsAdd(third.id, id);
    assert.lengthOf((await inventory.childDevicesList(id)).data, 1);
    assert.lengthOf((await inventory.childAssetsList(id)).data, 1);
  });

  it("identity: create, detail, list, delete, also with colons", async () => {
    const identity = { type: "c8y_Serial", externalId: `urn:imei:${id}`, managedObject: { id } };
    await client.identity.create(identity);
    assert.equal((await client.identity.detail(identity)).data.managedObject?.id, id);
    assert.lengthOf((await client.identity.list(id)).data, 1);
    assert.deepEqual(await refused(() => client.identity.create(identity)), {
      status: 409,
      error: "identity/Duplicate",
    });
    await client.identity.delete(identity);
    assert.deepEqual(await refused(() => client.identity.detail(identity)), {
      status: 404,
      error: "identity/Not Found",
    });
  });

  it("measurement: create, detail, list, delete", async () => {
    const { data } = await client.measurement.create({
      sourceId: id,
      time: TIME,
      type: "c8y_Temperature",
      c8y_Temperature: { T: { value: 21.5, unit: "C" } },
    } as never);
    assert.deepEqual(data["c8y_Temperature"], { T: { value: 21.5, unit: "C" } });
    assert.equal((await client.measurement.detail(data.id!)).data.id, data.id);
    const found = await client.measurement.list({
      source: id,
      valueFragmentType: "c8y_Temperature",
      dateFrom: TIME,
      dateTo: TIME,
    });
    assert.deepEqual(
      found.data.map(measurement => measurement.id),
      [data.id],
    );
    await client.measurement.delete(data.id!);
    assert.lengthOf((await client.measurement.list({ source: id })).data, 0);
  });

  it("alarm: create with de-duplication, detail, update, list, count", async () => {
    const alarm = { source: { id }, type: "c8y_Hot", text: "Too hot", severity: "MAJOR", time: TIME } as const;
    const first = await client.alarm.create(alarm);
    const again = await client.alarm.create(alarm);
    assert.deepEqual([again.data.id, again.data.count], [first.data.id, 2]);
    const { data } = await client.alarm.detail(first.data.id!);
    await client.alarm.update({ ...data, status: "ACKNOWLEDGED" });
    // The client repeats a parameter for each item of an array, which its types do not say.
    const lists = { severity: ["MAJOR", "MINOR"], status: ["ACKNOWLEDGED"] } as never as { severity: string };
    const found = await client.alarm.list({ source: id, ...lists });
    assert.deepEqual(
      found.data.map(each => each.status),
      ["ACKNOWLEDGED"],
    );
    assert.equal((await client.alarm.count({ source: id, resolved: false })).data, 1);
    assert.equal((await refused(() => client.alarm.create({ ...alarm, severity: "HIGH" as never }))).status, 422);
  });

  it("event: create, detail, update, list, delete", async () => {
    const { data } = await client.event.create({ source: { id }, type: "c8y_Door", text: "open", time: TIME });
    await client.event.update({ ...data, text: "shut" });
    assert.equal((await client.event.detail(data.id!)).data.text, "shut");
    assert.lengthOf((await client.event.list({ source: id, type: "c8y_Door" })).data, 1);
    await client.event.delete(data.id!);
    assert.deepEqual(await refused(() => client.event.detail(data.id!)), { status: 404, error: "event/Not Found" });
  });

  it("operation: create, detail, update, list", async () => {
    const { data } = await client.operation.create({
      deviceId: id,
      description: "Read",
      c8y_Command: { text: "read /3/0" },
    });
    // The client's types number the statuses; what it sends and gives back are their names.
    const shown: Record<string, unknown> = data;
    assert.deepInclude(shown, { status: "PENDING", deviceName: "meter 7" });
    const change = (status: string, more: object = {}) =>
      client.operation.update({ id: data.id!, status: status as never, ...more });
    await change("EXECUTING");
    const done: Record<string, unknown> = (await change("SUCCESSFUL", { c8y_Command: { result: "{}" } })).data;
    assert.deepInclude(done, { status: "SUCCESSFUL", c8y_Command: { result: "{}" } });
    const read: Record<string, unknown> = (await client.operation.detail(data.id!)).data;
    assert.equal(read["status"], "SUCCESSFUL");
    assert.lengthOf((await client.operation.list({ deviceId: id, status: "SUCCESSFUL" })).data, 1);
    assert.equal((await refused(() => client.operation.create({ deviceId: "1" }))).status, 422);
  });

  it("4.3: tenant options: create, detail, list, update, delete; those of the system", async () => {
    const option = { category: "cat", key: `credentials.${id}`, value: "secret" };
    assert.equal((await client.options.tenant.create({ ...option })).data.value, "<<Encrypted>>");
    const plain = { category: "cat", key: id, value: "1" };
    await client.options.tenant.create({ ...plain });
    assert.deepInclude((await client.options.tenant.detail(plain)).data, plain);
    await client.options.tenant.update({ ...plain, value: "2" });
    const found = await client.options.tenant.list({ pageSize: 100 });
    assert.equal(found.data.find(({ key }) => key === id)?.value, "2");
    assert.equal((await client.options.tenant.delete(plain)).res.status, 204);
    assert.deepEqual(await refused(() => client.options.tenant.detail(plain)), {
      status: 404,
      error: "options/Not Found",
    });
    const version = await client.options.system.detail({ category: "system", key: "version" });
    assert.equal(version.data.value, "1.2.3");
  });

  it("agent specification 3.1: applications: the agent, with its device registration", async () => {
    const { data } = await client.application.list();
    assert.deepEqual(
      data.map(({ name }) => name),
      ["lwm2m-agent"],
    );
    const [byName] = (await client.application.listByName("lwm2m-agent")).data;
    assert.include(JSON.stringify(byName!.manifest), "extensibleBulkDeviceRegistration");
  });

  it("trusted certificates: create, detail, list, update, delete", async () => {
    const { TrustedCertificateService } = await import("@c8y/client");
    const service = new TrustedCertificateService(client.core);
    const certInPemFormat = pem("ca");
    const { data } = await service.create({ name: "CA", status: "ENABLED", certInPemFormat });
    assert.deepInclude((await service.detail(data)).data, { name: "CA", subject: "CN=Mooring Test CA" });
    await service.update({ ...data, status: "DISABLED" });
    const found = await service.list();
    assert.deepEqual(
      found.data.map(({ status }) => status),
      ["DISABLED"],
    );
    assert.equal((await service.delete(data)).res.status, 204);
  });
});
