import { assert } from "chai";
import { openRest, type RestFixture } from "./fixture.ts";

const TIME = "2026-01-01T10:00:00.000Z";

/** One table of bad bodies per router: field and rule named, nothing stored. */
interface Kind {
  readonly name: string;
  readonly path: string;
  readonly list: string;
  good(source: string): Record<string, unknown>;
  readonly bad: readonly (readonly [name: string, change: Record<string, unknown>, field: string])[];
}

const KINDS: readonly Kind[] = [
  {
    name: "measurements (platform API 8)",
    path: "/measurement/measurements",
    list: "measurements",
    good: id => ({ source: { id }, type: "t", time: TIME, f: { s: { value: 1 } } }),
    bad: [
      ["no source", { source: undefined }, "source"],
      ["an unknown source", { source: { id: "1" } }, "source.id"],
      ["no type", { type: undefined }, "type"],
      ["no time", { time: undefined }, "time"],
      ["a bad time", { time: "2026-13-01T00:00:00Z" }, "time"],
    ],
  },
  {
    name: "alarms (platform API 9)",
    path: "/alarm/alarms",
    list: "alarms",
    good: id => ({ source: { id }, type: "t", text: "x", severity: "MAJOR", time: TIME }),
    bad: [
      ["no source", { source: undefined }, "source"],
      ["an unknown source", { source: { id: "1" } }, "source.id"],
      ["no text", { text: undefined }, "text"],
      ["a bad severity", { severity: "HIGH" }, "severity"],
      ["a bad status", { status: "OPEN" }, "status"],
      ["a bad time", { time: 5 }, "time"],
    ],
  },
  {
    name: "events (platform API 10)",
    path: "/event/events",
    list: "events",
    good: id => ({ source: { id }, type: "t", text: "x", time: TIME }),
    bad: [
      ["no source", { source: undefined }, "source"],
      ["a source that is none", { source: "x" }, "source"],
      ["no type", { type: undefined }, "type"],
      ["no text", { text: undefined }, "text"],
      ["no time", { time: undefined }, "time"],
    ],
  },
  {
    name: "operations (platform API 11)",
    path: "/devicecontrol/operations",
    list: "operations",
    good: deviceId => ({ deviceId, c8y_Command: { text: "read /3/0" } }),
    bad: [
      ["no deviceId", { deviceId: undefined }, "deviceId"],
      ["an unknown deviceId", { deviceId: "1" }, "deviceId"],
      ["a description that is no text", { description: 5 }, "description"],
    ],
  },
];

describe("rest/documents", () => {
  let rest: RestFixture;
  let id: string;
  before(async () => {
    rest = await openRest();
  });
  beforeEach(async () => {
    id = await rest.createDevice();
  });
  after(() => rest[Symbol.asyncDispose]());

  const sourceParameter = ({ list }: Kind) => (list === "operations" ? "deviceId" : "source");
  const listed = async (kind: Kind, query = "") =>
    (await rest.ask("GET", `${kind.path}?${sourceParameter(kind)}=${id}&pageSize=100&${query}`)).body[kind.list];

  for (const kind of KINDS) {
    describe(kind.name, () => {
      it("201 with Location, readable there, an id given as a number", async () => {
        const { status, headers, body } = await rest.ask("POST", kind.path, { body: kind.good(id) });
        assert.equal(status, 201);
        assert.equal(headers.get("location"), `${rest.origin}${kind.path}/${body.id}`);
        assert.equal(body.self, headers.get("location"));
        const { self: _self, ...read } = (await rest.ask("GET", `${kind.path}/${body.id}`)).body;
        assert.deepInclude(body, read);
        assert.deepEqual(
          (await listed(kind)).map((item: { id: string }) => item.id),
          [body.id],
        );
        const numeric = JSON.parse(JSON.stringify(kind.good(id)).replace(`"${id}"`, id));
        assert.equal((await rest.ask("POST", kind.path, { body: numeric })).status, 201);
      });

      for (const [name, change, field] of kind.bad) {
        it(`refuses ${name}, names it, stores nothing`, async () => {
          const answer = await rest.ask("POST", kind.path, { body: { ...kind.good(id), ...change } });
          assert.equal(answer.status, 422);
          assert.equal(answer.body.error, "undefined/validationError");
          assert.equal(answer.body.details.field, field);
          assert.isString(answer.body.details.rule);
          assert.deepEqual(await listed(kind), []);
        });
      }

      it("refuses bad parameters, naming them", async () => {
        for (const query of ["dateFrom=soon", "dateTo=2026-13-01", `${sourceParameter(kind)}=x`, "pageSize=none"]) {
          const { status, body } = await rest.ask("GET", `${kind.path}?${query}`);
          assert.equal(status, 422, query);
          assert.equal(body.details.field, query.split("=")[0]);
        }
      });

      it("needs its role, or the object", async () => {
        const userName = `user-${kind.list}`;
        await rest.tenants.createUser("t1", { userName, password: "correct horse", roles: [] });
        const as = `t1/${userName}`;
        const post = (device: string) => rest.ask("POST", kind.path, { body: kind.good(device), as });
        const own = await rest.createDevice("own", { owner: userName });
        const ownStatus = kind.list === "operations" ? 403 : 201;
        assert.equal((await post(id)).status, 403);
        assert.equal((await post(own)).status, ownStatus);
        assert.deepEqual(await listed(kind), []);
        const all = await rest.ask("GET", kind.path, { as });
        assert.equal(all.status, kind.list === "alarms" ? 200 : 403);
        const ofOwn = await rest.ask("GET", `${kind.path}?${sourceParameter(kind)}=${own}`, { as });
        assert.equal(ofOwn.status, 200);
        const made = (await rest.ask("POST", kind.path, { body: kind.good(id) })).body.id;
        assert.equal((await rest.ask("GET", `${kind.path}/${made}`, { as })).status, 403);
      });
    });
  }

  describe("measurements", () => {
    const path = "/measurement/measurements";
    const measurement = (more: object = {}) => ({
      source: { id },
      type: "t",
      time: TIME,
      T: { T: { value: 1 } },
      ...more,
    });

    it("platform API 8.2: several, in order, or none", async () => {
      const measurements = [measurement({ type: "a" }), measurement({ type: "b" })];
      const made = await rest.ask("POST", path, { body: { measurements } });
      assert.equal(made.status, 201);
      assert.deepEqual(
        made.body.measurements.map(({ type }: { type: string }) => type),
        ["a", "b"],
      );
      const bad = await rest.ask("POST", path, { body: { measurements: [measurement(), measurement({ time: 1 })] } });
      assert.equal(bad.body.details.field, "measurements[1].time");
      const none = await rest.ask("POST", path, {
        body: measurement(),
        headers: { "Content-Type": "application/vnd.com.nsn.cumulocity.measurementCollection+json;ver=0.9" },
      });
      assert.deepEqual([none.status, none.body.details.field], [422, "measurements"]);
      assert.lengthOf(await listed(KINDS[0]!), 2);
    });

    it("platform API 8.3: filters and the newest value", async () => {
      const at = (minute: number) => ({ time: `2026-01-01T11:0${minute}:00+01:00` });
      const measurements = [measurement(at(0)), measurement({ ...at(1), H: { RH: { value: 2 } } }), measurement(at(2))];
      await rest.ask("POST", path, { body: { measurements } });
      const minutes = async (query: string) =>
        (await listed(KINDS[0]!, query)).map(({ time }: { time: string }) => new Date(time).getUTCMinutes());
      assert.deepEqual(await minutes(""), [0, 1, 2]);
      assert.deepEqual(await minutes("dateFrom=2026-01-01T10:01:00Z"), [1, 2]);
      assert.deepEqual(await minutes("dateFrom=2026-01-01T11:01:00+01:00&dateTo=2026-01-01T10:01:00Z"), [1]);
      assert.deepEqual(await minutes("dateTo=2026-01-01"), []);
      assert.deepEqual(await minutes("valueFragmentType=H&valueFragmentSeries=RH"), [1]);
      assert.deepEqual(await minutes("fragmentType=H"), [1]);
      const newest = await rest.ask(
        "GET",
        `${path}?source=${id}&dateFrom=1970-01-01&dateTo=2030-01-01&revert=true&pageSize=1`,
      );
      assert.equal(newest.body.measurements[0].time, "2026-01-01T10:02:00.000Z");
      assert.equal((await rest.ask("GET", `${path}?revert=maybe`)).body.details.field, "revert");
    });

    it("platform API 8.3: DELETE one and many", async () => {
      const { body } = await rest.ask("POST", path, {
        body: { measurements: [measurement(), measurement(), measurement()] },
      });
      const one = `${path}/${body.measurements[0].id}`;
      assert.equal((await rest.ask("DELETE", one)).status, 204);
      assert.equal((await rest.ask("DELETE", one)).status, 404);
      assert.equal((await rest.ask("DELETE", path)).status, 422);
      assert.equal((await rest.ask("DELETE", `${path}?source=${id}`)).status, 204);
      assert.deepEqual(await listed(KINDS[0]!), []);
    });
  });

  describe("alarms", () => {
    const path = "/alarm/alarms";
    const alarm = (more: object = {}) => ({ ...KINDS[1]!.good(id), ...more });

    it("platform API 9.2: a further occurrence answers 201 with the same alarm", async () => {
      const first = await rest.ask("POST", path, { body: alarm() });
      const again = await rest.ask("POST", path, { body: alarm({ time: "2026-01-01T10:05:00Z" }) });
      assert.deepEqual(
        [again.status, again.body.id, again.body.count, again.body.time, again.body.firstOccurrenceTime],
        [201, first.body.id, 2, "2026-01-01T10:05:00.000Z", TIME],
      );
      assert.deepEqual(again.body.source, {
        id,
        name: "meter 7",
        self: `${rest.origin}/inventory/managedObjects/${id}`,
      });
    });

    it("platform API 9.2: a source in maintenance keeps nothing", async () => {
      await rest.ask("PUT", `/inventory/managedObjects/${id}`, {
        body: { c8y_RequiredAvailability: { responseInterval: -1 } },
      });
      const { status, body } = await rest.ask("POST", path, { body: alarm() });
      assert.equal(status, 201);
      assert.match(body.self, /\/alarm\/alarms\/null$/);
      assert.deepEqual(await listed(KINDS[1]!), []);
    });

    it("platform API 9.3: PUT, lists both ways, count", async () => {
      const { body } = await rest.ask("POST", path, { body: alarm({ type: "a", severity: "MINOR" }) });
      await rest.ask("POST", path, { body: alarm({ type: "b" }) });
      const put = await rest.ask("PUT", `${path}/${body.id}`, { body: { ...body, status: "CLEARED", note: "x" } });
      assert.deepEqual([put.status, put.body.status, put.body.note], [200, "CLEARED", "x"]);
      const types = async (query: string) => (await listed(KINDS[1]!, query)).map(({ type }: { type: string }) => type);
      assert.deepEqual((await types("type=a,b")).sort(), ["a", "b"]);
      assert.deepEqual((await types("type=a&type=b")).sort(), ["a", "b"]);
      assert.deepEqual(await types("severity=MINOR&severity=WARNING"), ["a"]);
      assert.deepEqual(await types("status=ACTIVE,ACKNOWLEDGED"), ["b"]);
      assert.deepEqual(await types("resolved=true"), ["a"]);
      assert.equal((await rest.ask("GET", `${path}/count?source=${id}&resolved=false`)).text, "1");
      assert.equal((await rest.ask("GET", `${path}?status=OPEN`)).body.details.field, "status");
      assert.equal((await rest.ask("PUT", `${path}/${body.id}`, { body: { severity: "HIGH" } })).status, 422);
      assert.equal((await rest.ask("PUT", `${path}/1`, { body: { status: "CLEARED" } })).status, 404);
    });
  });

  describe("many at once", () => {
    const alarm = (type: string, more: object = {}) => ({ ...KINDS[1]!.good(id), type, ...more });
    const alarms = (query: string) => listed(KINDS[1]!, query);

    it("platform API 9.3: PUT changes the status of all that match", async () => {
      for (const type of ["a", "b", "c"]) await rest.ask("POST", "/alarm/alarms", { body: alarm(type) });
      const put = (query: string, body: object) => rest.ask("PUT", `/alarm/alarms?${query}`, { body });
      assert.equal((await put("", { status: "CLEARED" })).status, 422);
      assert.equal((await put(`source=${id}`, {})).body.details.field, "status");
      assert.equal((await put(`source=${id}`, { status: "GONE" })).body.details.field, "status");
      assert.lengthOf(await alarms("status=ACTIVE"), 3);
      assert.equal((await put(`source=${id}&type=a,b`, { status: "CLEARED" })).status, 200);
      assert.lengthOf(await alarms("status=ACTIVE"), 1);
      await rest.ask("POST", "/alarm/alarms", { body: alarm("a") });
      assert.equal((await put(`source=${id}&resolved=true`, { status: "ACTIVE" })).status, 200);
      assert.deepEqual(
        (await alarms("status=CLEARED")).map(({ type }: { type: string }) => type),
        ["a"],
      );
    });

    const deletions: [path: string, refused: string, query: () => string][] = [
      ["/alarm/alarms", "type=t", () => `source=${id}&createdTo=2026-01-02`],
      ["/event/events", "type=t", () => `source=${id}&createdFrom=2026-01-01&dateFrom=2026-01-01`],
      ["/devicecontrol/operations", "", () => `deviceId=${id}&status=PENDING`],
    ];
    for (const [path, refused, query] of deletions) {
      it(`DELETE ${path} takes what matches, and nothing without a filter`, async () => {
        const kind = KINDS.find(each => each.path === path)!;
        const other = await rest.createDevice("other");
        await rest.ask("POST", path, { body: kind.good(id) });
        await rest.ask("POST", path, { body: kind.good(other) });
        assert.equal((await rest.ask("DELETE", `${path}?${refused}`)).status, 422);
        assert.equal((await rest.ask("DELETE", `${path}?${query().replace(id, "1")}`)).status, 204);
        assert.lengthOf(await listed(kind), 1);
        assert.equal((await rest.ask("DELETE", `${path}?${query()}`)).status, 204);
        assert.lengthOf(await listed(kind), 0);
        const left = await rest.ask("GET", `${path}?${sourceParameter(kind)}=${other}`);
        assert.lengthOf(left.body[kind.list], 1);
      });
    }

    it("platform API 9.3, 10: created and lastUpdated are filters of their own", async () => {
      const { body } = await rest.ask("POST", "/alarm/alarms", { body: alarm("a") });
      await rest.clock.advance(60_000);
      await rest.ask("PUT", `/alarm/alarms/${body.id}`, { body: { text: "new" } });
      const creation = Date.parse(body.creationTime);
      const at = (ms: number) => new Date(creation + ms).toISOString();
      assert.lengthOf(await alarms(`createdFrom=${at(0)}&createdTo=${at(0)}`), 1);
      assert.lengthOf(await alarms(`createdFrom=${at(1)}`), 0);
      assert.lengthOf(await alarms(`lastUpdatedFrom=${at(60_000)}`), 1);
      assert.lengthOf(await alarms(`lastUpdatedTo=${at(59_999)}`), 0);
      assert.equal((await rest.ask("GET", "/alarm/alarms?lastUpdatedTo=x")).body.details.field, "lastUpdatedTo");
    });
  });

  it("platform API 8.5: supported measurements and series, empty ones too", async () => {
    const supported = async (what: string) => (await rest.ask("GET", `/inventory/managedObjects/${id}/${what}`)).body;
    assert.deepEqual(await supported("supportedMeasurements"), { c8y_SupportedMeasurements: [] });
    assert.deepEqual(await supported("supportedSeries"), { c8y_SupportedSeries: [] });
    const fragments = { c8y_Temperature: { T: { value: 1 }, "T 2": { value: 2 } }, c8y_Position: { lat: 1 } };
    const body = { source: { id }, type: "t", time: TIME, ...fragments, H: { RH: { value: 1 } } };
    await rest.ask("POST", "/measurement/measurements", { body });
    assert.deepEqual(await supported("supportedMeasurements"), { c8y_SupportedMeasurements: ["H", "c8y_Temperature"] });
    assert.deepEqual(await supported("supportedSeries"), {
      c8y_SupportedSeries: ["H.RH", "c8y_Temperature.T", "c8y_Temperature.T 2"],
    });
    assert.equal((await rest.ask("GET", "/inventory/managedObjects/1/supportedSeries")).status, 404);
  });

  describe("events", () => {
    const path = "/event/events";

    it("platform API 10: newest first, PUT and DELETE", async () => {
      const event = (more: object) => ({ ...KINDS[2]!.good(id), ...more });
      await rest.ask("POST", path, { body: event({ text: "1" }) });
      const { body } = await rest.ask("POST", path, { body: event({ text: "2", time: "2026-01-01T11:00:00Z", a: 1 }) });
      const texts = async (query: string) => (await listed(KINDS[2]!, query)).map(({ text }: { text: string }) => text);
      assert.deepEqual(await texts(""), ["2", "1"]);
      assert.deepEqual(await texts("revert=true"), ["1", "2"]);
      assert.deepEqual(await texts("fragmentType=a"), ["2"]);
      const put = await rest.ask("PUT", `${path}/${body.id}`, { body: { ...body, text: "3", a: null } });
      assert.deepEqual([put.status, put.body.text, put.body.a], [200, "3", undefined]);
      assert.equal((await rest.ask("DELETE", `${path}/${body.id}`)).status, 204);
      assert.equal((await rest.ask("DELETE", `${path}/${body.id}`)).status, 404);
      assert.equal((await rest.ask("PUT", `${path}/${body.id}`, { body: {} })).status, 404);
    });
  });

  describe("operations", () => {
    const path = "/devicecontrol/operations";

    it("platform API 11.1: PENDING, then as the agent says; told of before the answer", async () => {
      const told: string[] = [];
      using _listener = rest.platform.operations.onCreated((_tenant, operation) => {
        told.push(operation.id);
      });
      const { body } = await rest.ask("POST", path, {
        body: { ...KINDS[3]!.good(id), status: "FAILED", description: "d" },
      });
      assert.deepInclude(body, { status: "PENDING", deviceName: "meter 7", description: "d", deviceId: id });
      assert.deepEqual(told, [body.id]);
      const missing = await rest.ask("PUT", `${path}/${body.id}`, { body: { result: 1 } });
      assert.deepEqual(
        [missing.status, missing.body.message],
        [422, "Following mandatory fields should be included: status"],
      );
      const change = { status: "SUCCESSFUL", c8y_Command: { text: "read /3/0", result: "{}" } };
      const put = await rest.ask("PUT", `${path}/${body.id}`, { body: change });
      assert.deepInclude(put.body, change);
      assert.equal((await rest.ask("PUT", `${path}/1`, { body: change })).status, 404);
      const found = async (query: string) => (await listed(KINDS[3]!, query)).length;
      assert.equal(await found("status=SUCCESSFUL&fragmentType=c8y_Command"), 1);
      assert.equal(await found("status=PENDING"), 0);
      assert.equal((await rest.ask("GET", `${path}?agentId=${id}&status=SUCCESSFUL`)).body.operations.length, 1);
      assert.equal((await rest.ask("GET", `${path}?bulkOperationId=x`)).body.details.field, "bulkOperationId");
    });
  });
});
