import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { DefaultHandler, Effect, MappingAction } from "../../src/contract/action.ts";
import { parsePath } from "../../src/lwm2m/path.ts";
import { map, NOW_MS, ofKind, protocol, value } from "./support.ts";

const TEMPERATURE = { type: "c8y_Temperature", series: "T", unit: "°C" };
const temperature = protocol(3303, { 5700: { measurementCreation: TEMPERATURE } }, { 5700: "Cel" });
const event: Effect = { kind: "event", type: "made", text: "made", atMs: NOW_MS };
const action = (name: string, run: MappingAction["run"]): MappingAction => ({ name, run });

describe("mapping/engine: measurements (agent specification 8.2)", () => {
  it("type, fragment, series, unit, time and resource path", () => {
    const result = map({ protocols: [temperature] }, [value("/3303/0/5700", 21.3)]);
    assert.deepEqual(result.failures, []);
    assert.deepEqual(result.effects, [
      { kind: "lastValue", path: [3303, 0, 5700], value: 21.3, atMs: NOW_MS },
      {
        kind: "measurement",
        type: "c8y_Temperature",
        atMs: NOW_MS,
        series: { c8y_Temperature: { T: { value: 21.3, unit: "°C" } } },
        properties: { resourcePath: "/3303/0/5700" },
      },
    ]);
  });

  for (const [series, expected] of [
    [
      "c8y_AccelerationMeasurement.acceleration",
      { c8y_AccelerationMeasurement: { acceleration: { value: 1, unit: "Cel" } } },
    ],
    ["a.b.c", { "a.b": { c: { value: 1, unit: "Cel" } } }],
    [".x", { t: { ".x": { value: 1, unit: "Cel" } } }],
    ["x.", { t: { "x.": { value: 1, unit: "Cel" } } }],
  ] as const) {
    it(`series ${series} splits at the last dot; the unit is that of the DDF`, () => {
      const mapped = protocol(3303, { 5700: { measurementCreation: { type: "t", series } } }, { 5700: "Cel" });
      const [made] = ofKind(map({ protocols: [mapped] }, [value("/3303/0/5700", 1)]), "measurement");
      assert.equal(made?.type, "t");
      assert.deepEqual<unknown>(made?.series, expected);
    });
  }

  it("no unit anywhere: none; a time has seconds", () => {
    const mapped = protocol(9, {
      1: { measurementCreation: { type: "t", series: "s" } },
      2: { measurementCreation: { type: "u", series: "s", unit: "" } },
    });
    const made = ofKind(
      map({ protocols: [mapped] }, [value("/9/0/1", 1), value("/9/0/2", 5, { type: "TIME" })]),
      "measurement",
    );
    assert.deepEqual(
      made.map(({ series }) => series),
      [{ t: { s: { value: 1 } } }, { u: { s: { value: 5, unit: "s" } } }],
    );
  });

  it("resources of one message with equal type and time make one measurement", () => {
    const weather = protocol(9, {
      1: { measurementCreation: { type: "weather", series: "T" } },
      2: { measurementCreation: { type: "weather", series: "RH" } },
      3: { measurementCreation: { type: "other", series: "x" } },
    });
    const values = [value("/9/0/1", 1), value("/9/0/3", 3), value("/9/0/2", 2)];
    const made = ofKind(map({ protocols: [weather] }, values), "measurement");
    assert.lengthOf(made, 2);
    assert.deepEqual(made[0]?.series, { weather: { T: { value: 1 }, RH: { value: 2 } } });
    assert.deepEqual(made[0]?.properties, { resourcePath: "/9/0" });
    assert.deepEqual(made[1]?.properties, { resourcePath: "/9/0/3" });
  });

  it("20-11 several instances: none overwrites another", () => {
    const values = [0, 1, 2].map(id => value(`/3303/${id}/5700`, id));
    const made = ofKind(map({ protocols: [temperature] }, values), "measurement");
    assert.deepEqual(
      made.map(({ properties }) => properties?.["resourcePath"]),
      ["/3303/0/5700", "/3303/1/5700", "/3303/2/5700"],
    );
    assert.deepEqual(
      made.map(({ series }) => series["c8y_Temperature"]?.["T"]?.value),
      [0, 1, 2],
    );
  });

  it("100,000 values of one series are no quadratic work", () => {
    const values = Array.from({ length: 100_000 }, (_, id) => value(`/3303/0/5700/${id % 60_000}`, id));
    assert.lengthOf(ofKind(map({ protocols: [temperature] }, values), "measurement"), 100_000);
  });

  it("8.1: unsigned 64 bits keep sign and magnitude in the measurement and exactness in the last value", () => {
    const result = map({ protocols: [temperature] }, [
      value("/3303/0/5700", 2n ** 64n - 1n, { type: "UNSIGNED_INTEGER" }),
    ]);
    assert.equal(ofKind(result, "measurement")[0]?.series["c8y_Temperature"]?.["T"]?.value, 2 ** 64);
    assert.equal(ofKind(result, "lastValue")[0]?.value, "18446744073709551615");
  });

  it("__proto__ as a name is a failure and changes no prototype", () => {
    const mapped = protocol(9, { 1: { measurementCreation: { type: "__proto__", series: "polluted" } } });
    const result = map({ protocols: [mapped] }, [value("/9/0/1", 1)]);
    assert.isEmpty(ofKind(result, "measurement"));
    assert.equal(result.failures[0]?.action, "measurement");
    assert.notProperty({}, "polluted");
  });
});

describe("mapping/engine: alarms, events, actions (agent specification 8.3, 8.5)", () => {
  const door = protocol(9, {
    1: {
      alarmCreation: { severity: "MAJOR", type: "c8y_Door", status: "ACTIVE", text: "Door open" },
      eventCreation: { type: "c8y_DoorStatus", text: "Door status changed" },
    },
  });

  it("alarm and event carry path and value", () => {
    const result = map({ protocols: [door] }, [value("/9/0/1", true)]);
    const properties = { lwm2m: { path: "/9/0/1", value: true } };
    assert.deepEqual(ofKind(result, "alarm"), [
      {
        kind: "alarm",
        severity: "MAJOR",
        type: "c8y_Door",
        status: "ACTIVE",
        text: "Door open",
        atMs: NOW_MS,
        properties,
      },
    ]);
    assert.deepEqual(ofKind(result, "event"), [
      { kind: "event", type: "c8y_DoorStatus", text: "Door status changed", atMs: NOW_MS, properties },
    ]);
  });

  it("7.3: one event per received value, also for resource instances (20-11)", () => {
    const values = [0, 1, 2].map(id => value(`/9/0/1/${id}`, id));
    const made = ofKind(map({ protocols: [door] }, values), "event");
    assert.deepEqual(
      made.map(({ properties }) => (properties?.["lwm2m"] as { path: string } | undefined)?.path),
      ["/9/0/1/0", "/9/0/1/1", "/9/0/1/2"],
    );
  });

  it("a custom action sees value, time, device and resource, and its effects are taken", () => {
    const seen: unknown[] = [];
    const run: MappingAction["run"] = input => {
      seen.push([input.value.value, input.atMs, input.device.id, input.resource?.units]);
      return [event];
    };
    const mapped = protocol(3303, { 5700: { customAction: { actionName: "a:b" } } }, { 5700: "Cel" });
    const result = map({ protocols: [mapped], actions: [action("a:b", run)] }, [value("/3303/0/5700", 1)]);
    assert.deepEqual(seen, [[1, NOW_MS, "4711", "Cel"]]);
    assert.deepEqual(ofKind(result, "event"), [event]);
  });

  it("decoder:<key> keeps the value for the decoder", () => {
    const mapped = protocol(9, { 1: { customAction: { actionName: "decoder:acme-meter" } } });
    const raw = value("/9/0/1", Uint8Array.of(1, 2));
    assert.deepEqual(ofKind(map({ protocols: [mapped] }, [raw]), "decode"), [
      { kind: "decode", decoder: "acme-meter", value: raw, atMs: NOW_MS },
    ]);
  });

  it("8.5: a failing action stops neither the other actions of the value nor other values", () => {
    const throwing = action("bad:throws", () => {
      throw new MooringError("VALIDATION", "no good");
    });
    const actionOf = (actionName: string) => ({
      customAction: { actionName },
      eventCreation: { type: "e", text: "e" },
    });
    const mapped = protocol(9, { 1: actionOf("bad:throws"), 2: actionOf("no:such"), 3: actionOf("bad:effect") });
    const actions = [throwing, action("bad:effect", () => [{ ...event, text: "" }, event])];
    const result = map(
      { protocols: [mapped], actions },
      [1, 2, 3].map(id => value(`/9/0/${id}`, id)),
    );
    assert.lengthOf(ofKind(result, "event"), 4);
    assert.deepEqual(result.failures, [
      { path: "/9/0/1", action: "bad:throws", reason: "no good" },
      { path: "/9/0/2", action: "no:such", reason: "no such action" },
      { path: "/9/0/3", action: "bad:effect", reason: "text must be text that is not empty" },
    ]);
  });

  for (const empty of ["", new Uint8Array(0)]) {
    it(`7.3 skipIfEmpty: no action runs for an empty ${typeof empty === "string" ? "text" : "opaque value"}, by default all do`, () => {
      const mapping = { eventCreation: { type: "e", text: "e" }, customAction: { actionName: "decoder:x" } };
      const run = (skipIfEmpty: boolean) =>
        map({ protocols: [protocol(9, { 1: { ...mapping, skipIfEmpty } })] }, [value("/9/0/1", empty)]);
      assert.deepEqual(
        run(true).effects.map(({ kind }) => kind),
        ["lastValue"],
      );
      assert.deepEqual(
        run(false).effects.map(({ kind }) => kind),
        ["lastValue", "event", "decode"],
      );
    });
  }

  it("skipIfEmpty leaves a blank, 0 and false alone", () => {
    const mapped = protocol(9, { 1: { eventCreation: { type: "e", text: "e" }, skipIfEmpty: true } });
    const values = [" ", 0, false].map((scalar, id) => value(`/9/${id}/1`, scalar));
    assert.lengthOf(ofKind(map({ protocols: [mapped] }, values), "event"), 3);
  });

  it("null members are no mapping", () => {
    const none = { measurementCreation: null, alarmCreation: null, eventCreation: null, customAction: null };
    assert.deepEqual(
      map({ protocols: [protocol(9, { 1: none })] }, [value("/9/0/1", 1)]).effects.map(({ kind }) => kind),
      ["lastValue"],
    );
  });
});

describe("mapping/engine: failure alarms (agent specification 15.3)", () => {
  const FAILURE = "c8y_LWM2MMappingFailure_3303_5700";
  const NO_MAPPING = "c8y_LWM2MNoMapping_3303";

  it("20-14: no DDF for the object: one WARNING per message, last values are kept", () => {
    const result = map({}, [value("/3303/0/5700", 1), value("/3303/1/5700", 2), value("/9/0/1", 1)]);
    assert.deepEqual(ofKind(result, "alarm"), [
      {
        kind: "alarm",
        type: NO_MAPPING,
        status: "ACTIVE",
        severity: "WARNING",
        text: "No mapping known for LwM2M object /3303",
        atMs: NOW_MS,
      },
      {
        kind: "alarm",
        type: "c8y_LWM2MNoMapping_9",
        status: "ACTIVE",
        severity: "WARNING",
        text: "No mapping known for LwM2M object /9",
        atMs: NOW_MS,
      },
    ]);
    assert.lengthOf(ofKind(result, "lastValue"), 3);
  });

  it("20-14: a DDF without any mapping raises nothing", () => {
    assert.isEmpty(ofKind(map({ protocols: [protocol(3303)] }, [value("/3303/0/5700", 1)]), "alarm"));
  });

  it("measurement mapping and a value that is no number: MINOR", () => {
    const [alarm] = ofKind(map({ protocols: [temperature] }, [value("/3303/0/5700", "warm")]), "alarm");
    assert.deepEqual(alarm, {
      kind: "alarm",
      type: FAILURE,
      status: "ACTIVE",
      severity: "MINOR",
      text: "Value of /3303/0/5700 is not numeric or Boolean; no measurement created",
      atMs: NOW_MS,
      properties: { lwm2m: { path: "/3303/0/5700", value: "warm" } },
    });
  });

  it("both clear themselves with the next good value, when known to be open", () => {
    const openAlarms = new Set([FAILURE, NO_MAPPING]);
    const result = map({ protocols: [temperature] }, [value("/3303/0/5700", 1)], { openAlarms });
    assert.deepEqual(
      ofKind(result, "alarm").map(({ type, status }) => [type, status]),
      [
        [NO_MAPPING, "CLEARED"],
        [FAILURE, "CLEARED"],
      ],
    );
    assert.isEmpty(ofKind(map({ protocols: [temperature] }, [value("/3303/0/5700", 1)]), "alarm"));
  });

  it("one bad instance among good ones keeps the alarm", () => {
    const values = [value("/3303/0/5700", 1), value("/3303/1/5700", "warm"), value("/3303/2/5700", 3)];
    const alarms = ofKind(map({ protocols: [temperature] }, values, { openAlarms: new Set([FAILURE]) }), "alarm");
    assert.deepEqual(
      alarms.map(({ status }) => status),
      ["ACTIVE"],
    );
  });
});

describe("mapping/engine: last values (agent specification 8.5, 20-12)", () => {
  const lastValues = (values: Parameters<typeof map>[1], over: Parameters<typeof map>[2] = {}) =>
    ofKind(map({}, values, over), "lastValue").map(({ path, value: known }) => [`/${path.join("/")}`, known]);
  const instances = [value("/3/0/7/0", 3800), value("/3/0/7/1", 5000)];

  it("a full read replaces a multi-instance resource by a map", () => {
    assert.deepEqual(lastValues(instances, { fullRead: true, requestPath: parsePath("/3/0/7") }), [
      ["/3/0/7", { "0": 3800, "1": 5000 }],
    ]);
    assert.deepEqual(lastValues(instances, { fullRead: true, requestPath: parsePath("/3") }), [
      ["/3/0/7", { "0": 3800, "1": 5000 }],
    ]);
  });

  it("a composite read replaces what it asked for as a whole, and merges what it named by instance", () => {
    const composite = (...texts: string[]) =>
      lastValues([...instances, value("/3/0/11/0", 1), value("/3/0/6/2", 5)], {
        fullRead: true,
        compositePaths: texts.map(parsePath),
      });
    assert.deepEqual(composite("/3/0/7", "/3/0/11/0"), [
      ["/3/0/11/0", 1],
      ["/3/0/6/2", 5],
      ["/3/0/7", { "0": 3800, "1": 5000 }],
    ]);
  });

  it("a partial update merges instance by instance", () => {
    assert.deepEqual(lastValues(instances), [
      ["/3/0/7/0", 3800],
      ["/3/0/7/1", 5000],
    ]);
    assert.deepEqual(lastValues([instances[1]!], { fullRead: true, requestPath: parsePath("/3/0/7/1") }), [
      ["/3/0/7/1", 5000],
    ]);
  });

  it("the newest of several times stays, wherever it stands in the message", () => {
    const values = [value("/9/0/1", "new", { atMs: 2000 }), value("/9/0/1", "old", { atMs: 1000 })];
    assert.deepEqual(lastValues(values), [["/9/0/1", "new"]]);
  });

  it("a value longer than 64 KiB is not kept, and said so", () => {
    const result = map({ protocols: [protocol(9)] }, [value("/9/0/1", new Uint8Array(40_000)), value("/9/0/2", 1)]);
    assert.deepEqual(
      ofKind(result, "lastValue").map(({ path }) => path),
      [[9, 0, 2]],
    );
    assert.equal(result.failures[0]?.path, "/9/0/1");
  });

  it("11.1: what cannot be read has a key without value, where whole instances were asked for", () => {
    const { objectModel, ...described } = protocol(9, {}, { 0: "", 1: "" });
    const resources = { ...objectModel.resources, 1: { ...objectModel.resources[1]!, operations: "E" as const } };
    const protocols = [{ ...described, objectModel: { ...objectModel, resources } }];
    const known = (over: Parameters<typeof map>[2]) =>
      ofKind(map({ protocols }, [value("/9/0/0", 5), value("/9/3/0", 6)], over), "lastValue").map(
        ({ path, value: last }) => [`/${path.join("/")}`, last],
      );
    const plain = [
      ["/9/0/0", 5],
      ["/9/3/0", 6],
    ];
    assert.deepEqual(known({}), plain);
    assert.deepEqual(known({ showsUnreadable: true }), [...plain, ["/9/0/1", null], ["/9/3/1", null]]);
  });

  it("R5: objects 0 and 21 are never kept, mapped or raised", () => {
    const result = map({}, [value("/0/0/5", Uint8Array.of(1)), value("/21/0/3", Uint8Array.of(2))]);
    assert.deepEqual(result, { effects: [], failures: [] });
  });

  it("text with C's end mark loses it, a NUL inside is replaced", () => {
    assert.deepEqual(lastValues([value("/3/0/0", "ACME\0\0"), value("/3/0/1", "a\0b")]), [
      ["/3/0/0", "ACME"],
      ["/3/0/1", "a\ufffdb"],
    ]);
  });
});

describe("mapping/engine: default handlers (agent specification 1.1)", () => {
  const handler = (over: Partial<DefaultHandler> = {}): { runs: unknown[]; handler: DefaultHandler } => {
    const runs: unknown[] = [];
    const run: DefaultHandler["run"] = input => {
      runs.push([input.instanceId, input.value(0), input.value(1), input.atMs]);
      return [event];
    };
    return { runs, handler: { objectId: 6, resources: [0, 1], run, ...over } };
  };

  it("runs once per message and object instance, mapping or not", () => {
    const { runs, handler: added } = handler();
    const values = [value("/6/0/0", 1), value("/6/0/1", 2), value("/6/1/0", 3)];
    const result = map({ handlers: [added] }, values);
    assert.deepEqual(runs, [
      [0, 1, 2, NOW_MS],
      [1, 3, undefined, NOW_MS],
    ]);
    assert.lengthOf(ofKind(result, "event"), 2);
  });

  it("does not run without one of its resources, or when the device disables it", () => {
    const { runs, handler: added } = handler();
    map({ handlers: [added] }, [value("/6/0/2", 1), value("/3/0/0", 1)]);
    map({ handlers: [added] }, [value("/6/0/0", 1)], { settings: { sourceTimes: false, defaultHandlers: false } });
    assert.isEmpty(runs);
  });

  it("needsLastValues: what the message lacks comes from before", () => {
    const { runs, handler: added } = handler({ needsLastValues: true });
    map({ handlers: [added] }, [value("/6/0/0", 1)], {
      lastValue: path => (path.join("/") === "6/0/1" ? 9 : undefined),
    });
    assert.deepEqual(runs, [[0, 1, 9, NOW_MS]]);
  });

  it("D11: several times of one instance are several runs, oldest first", () => {
    const { runs, handler: added } = handler();
    const at = (path: string, scalar: number, atMs: number) => value(path, scalar, { atMs });
    map({ handlers: [added] }, [
      at("/6/0/0", 2, 2000),
      at("/6/0/1", 2, 2000),
      at("/6/0/0", 1, 1000),
      at("/6/0/1", 1, 1000),
    ]);
    assert.deepEqual(runs, [
      [0, 1, 1, 1000],
      [0, 2, 2, 2000],
    ]);
  });

  it("20-11: what the mapping of a resource did already is not done again", () => {
    const { handler: added } = handler();
    const mapped = protocol(6, { 0: { customAction: { actionName: "a:b" } } });
    const result = map({ handlers: [added], protocols: [mapped], actions: [action("a:b", () => [event])] }, [
      value("/6/0/0", 1),
    ]);
    assert.lengthOf(ofKind(result, "event"), 1);
  });

  it("one that throws is a failure, the message goes on", () => {
    const { handler: added } = handler({ run: () => assert.fail("handler broke") });
    const result = map({ handlers: [added], protocols: [protocol(6)] }, [value("/6/0/0", 1)]);
    assert.deepEqual(result.failures, [{ path: "/6/0", action: "handler", reason: "handler broke" }]);
    assert.lengthOf(ofKind(result, "lastValue"), 1);
  });
});

describe("mapping/engine: times (agent specification 16.3)", () => {
  const mapped = [temperature, protocol(6, { 0: { measurementCreation: { type: "lat", series: "lat" } } })];
  const timesOf = (values: Parameters<typeof map>[1], sourceTimes: boolean) =>
    ofKind(map({ protocols: mapped }, values, { settings: { sourceTimes, defaultHandlers: true } }), "measurement").map(
      ({ atMs }) => atMs,
    );
  const sent = value("/3303/0/5700", 1, { atMs: 1_736_960_632_882 });
  const stamp = (path: string, seconds: number) => value(path, seconds, { type: "TIME" });

  it("off: the time of receipt, also for a value with a time of its own", () => {
    assert.deepEqual(timesOf([sent], false), [NOW_MS]);
    assert.deepEqual(timesOf([value("/3303/0/5700", 1), stamp("/3303/0/5518", 1000)], false), [NOW_MS]);
  });

  it("on, 1: the value's own time wins over 5518", () => {
    assert.deepEqual(timesOf([sent, stamp("/3303/0/5518", 1000)], true), [1_736_960_632_882]);
  });

  it("on, 2: resource 5518 of the same instance, with 6050 added", () => {
    const values = [
      value("/3303/0/5700", 1),
      value("/3303/1/5700", 2),
      stamp("/3303/0/5518", 1000),
      value("/3303/0/6050", 0.25),
    ];
    assert.deepEqual(timesOf(values, true), [1_000_250, NOW_MS]);
  });

  it("on, 3: resource 5 of object 6", () => {
    assert.deepEqual(timesOf([value("/6/0/0", 52.1), stamp("/6/0/5", 1_736_960_596)], true), [1_736_960_596_000]);
  });

  it("on, 4: the time of receipt; what is no date counts as not given", () => {
    const values = [
      value("/3303/0/5700", 1, { atMs: 1e300 }),
      stamp("/3303/0/5518", 1e15),
      value("/6/0/0", 1, { atMs: -5 }),
    ];
    assert.deepEqual(timesOf(values, true), [NOW_MS, NOW_MS]);
  });

  it("D11: several times of one resource in one Send keep their own times, with the setting off too", () => {
    const values = [1000, 2000, 3000].map(atMs => value("/3303/0/5700", atMs / 1000, { atMs }));
    assert.deepEqual(timesOf(values, false), [1000, 2000, 3000]);
    assert.deepEqual(timesOf(values, true), [1000, 2000, 3000]);
  });

  it("20-13: a fraction of a millisecond is rounded", () => {
    assert.deepEqual(timesOf([value("/3303/0/5700", 1, { atMs: 1_736_960_632_881.5 })], true), [1_736_960_632_882]);
  });
});
