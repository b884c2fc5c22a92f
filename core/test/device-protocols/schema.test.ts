import { assert } from "chai";
import { PROTOCOL_FRAGMENT } from "../../src/device-protocols/device-protocol.ts";
import { readProtocol, readResourceMappings } from "../../src/device-protocols/schema.ts";
import type { ManagedObject } from "../../src/platform/platform.ts";
import { ddfFile, parseDdf } from "../fixtures/ddf.ts";
import { assertFails } from "../lwm2m/codecs/robust.ts";

const MODEL = parseDdf(ddfFile("3303-temperature"))[0]!;
const read = (mapping: unknown) => readResourceMappings({ 5700: mapping }, MODEL);
const alarm = { severity: "MAJOR", type: "c8y_HighTemperature", status: "ACTIVE", text: "Too hot" };
const refuses = (mapping: unknown, text: string | RegExp): void => assertFails("VALIDATION", () => read(mapping), text);

describe("device-protocols/schema (agent specification 7.3)", () => {
  it("7.1 takes the documented example as it is, and fills in the resource id", () => {
    const mapping = {
      measurementCreation: { type: "c8y_Temperature", series: "T", unit: "°C" },
      alarmCreation: alarm,
      eventCreation: { type: "c8y_DoorStatus", text: "Door status changed" },
      customAction: { type: null, actionName: "connectivity:updateRssi" },
      observeParameters: { autoObserve: true, minPeriod: 10, maxPeriod: 60, lessThan: 5, greaterThan: 30, step: 1 },
      skipIfEmpty: false,
      validation: null,
    };
    assert.deepEqual(read(mapping), { 5700: { resourceID: 5700, ...mapping } } as never);
    assert.deepEqual(read({ resourceID: 5700, ...mapping }), { 5700: { resourceID: 5700, ...mapping } } as never);
  });
  it("null stands for not configured", () =>
    assert.deepEqual(
      read({ measurementCreation: null, customAction: null, observeParameters: null, validation: null }),
      {
        5700: {
          resourceID: 5700,
          measurementCreation: null,
          customAction: null,
          observeParameters: null,
          validation: null,
        },
      },
    ));
  it("a series may have dots between names (8.2), any text may have blanks", () => {
    read({ measurementCreation: { type: "c8y_A", series: "c8y_AccelerationMeasurement.acceleration" } });
    read({ eventCreation: { type: "my event", text: "it is (very) hot, really" } });
  });

  describe("names the field and the rule", () => {
    const long = "x".repeat(101);
    const measurement = (changes: object) => ({ measurementCreation: { type: "c8y_T", series: "T", ...changes } });
    const observe = (changes: object) => ({ observeParameters: { autoObserve: true, ...changes } });
    for (const [name, mapping, text] of [
      [
        "text of 101 characters",
        { alarmCreation: { ...alarm, text: long } },
        /\[5700\]\.alarmCreation\.text .*100 characters/,
      ],
      ["type of 101 characters", measurement({ type: long }), /measurementCreation\.type .*100/],
      ["unit of 101 characters", measurement({ unit: long }), /measurementCreation\.unit .*100/],
      ["empty type", { eventCreation: { type: "", text: "x" } }, /eventCreation\.type/],
      ["no text", { eventCreation: { type: "x" } }, /eventCreation\.text is missing/],
      ["no series", { measurementCreation: { type: "x" } }, /measurementCreation\.series is missing/],
      ["severity", { alarmCreation: { ...alarm, severity: "BAD" } }, /severity .*CRITICAL, MAJOR, MINOR, WARNING/],
      ["status", { alarmCreation: { ...alarm, status: "OPEN" } }, /status .*ACTIVE, ACKNOWLEDGED, CLEARED/],
      ["no action name", { customAction: { type: null } }, /customAction\.actionName is missing/],
      ["a functionality nobody knows", { smsCreation: {} }, /smsCreation is not known here/],
      ["a misspelt member", observe({ minPeriode: 1 }), /minPeriode is not known here/],
      ["autoObserve missing", { observeParameters: {} }, /autoObserve is missing/],
      ["a period below zero", observe({ minPeriod: -1 }), /minPeriod/],
      ["a period that is no whole number", observe({ maxPeriod: 1.5 }), /maxPeriod/],
      ["a step of zero", observe({ step: 0 }), /step/],
      [
        "maximum below minimum period",
        observe({ minPeriod: 60, maxPeriod: 10 }),
        /maxPeriod must be at least minPeriod/,
      ],
      ["thresholds closer than two steps", observe({ lessThan: 10, greaterThan: 12, step: 1 }), /greaterThan/],
      ["another resource's id", { resourceID: 5701 }, /resourceID must be 5700/],
      ["no object", [], /5700/],
    ] as const) {
      it(name, () => refuses(mapping, text));
    }
    for (const character of [" ", "\t", ".", ",", "*", "[", "]", "(", ")", "@", "$"]) {
      it(`"${character}" in the measurement type`, () =>
        refuses(measurement({ type: `c8y${character}T` }), /measurementCreation\.type must not contain/));
      if (character !== ".") {
        it(`"${character}" in the series`, () =>
          refuses(measurement({ series: `T${character}1` }), /measurementCreation\.series must not contain/));
      }
    }
    for (const series of [".T", "T.", "a..b"]) {
      it(`dots that part nothing in the series "${series}"`, () => refuses(measurement({ series }), /series/));
    }
    it("thresholds on a resource that is not numeric", () =>
      assertFails(
        "VALIDATION",
        () => readResourceMappings({ 5701: observe({ greaterThan: 1 }) }, MODEL),
        /\[5701\]\.observeParameters\.greaterThan is for numeric/,
      ));
    it("a resource that the object has not", () =>
      assertFails("VALIDATION", () => readResourceMappings({ 9: {} }, MODEL), /\[9\] is no resource of object 3303/));
    it("a body of another shape", () => {
      for (const body of [null, undefined, [], "x", 1, {}, { abc: {} }, { 5700: "x" }]) {
        assertFails("VALIDATION", () => readResourceMappings(body, MODEL));
      }
    });
  });

  describe("stored protocols, whoever wrote them", () => {
    const stored = (fragment: unknown): ManagedObject => ({
      id: "1",
      owner: "",
      creationTimeMs: 0,
      lastUpdatedMs: 0,
      fragments: { [PROTOCOL_FRAGMENT]: fragment },
    });
    const model = { id: 9, name: "Nine", resources: { 1: { id: 1, name: "One", operations: "R", dataType: "FLOAT" } } };

    it("members that other tools leave out get their usual values", () => {
      const protocol = readProtocol(stored({ objectId: 9, objectModel: model }));
      assert.deepInclude(protocol, { id: "1", objectId: 9, resourceMappings: {}, otherVersions: [] } as never);
      assert.deepInclude(protocol.objectModel, { version: "1.0", multiple: true });
      assert.deepInclude(protocol.objectModel.resources["1"], { units: "", multiple: false, dataType: "FLOAT" });
    });
    it("unknown members and mappings of resources that the model has not are kept", () => {
      const resourceMappings = { 77: { eventCreation: { type: "a", text: "b", extra: 1 }, custom: {} } };
      const protocol = readProtocol(stored({ objectId: 9, objectModel: model, resourceMappings }));
      assert.deepEqual(protocol.resourceMappings["77"], { resourceID: 77, ...resourceMappings[77] } as never);
    });
    for (const [name, fragment] of [
      ["no fragment", undefined],
      ["no model", { objectId: 9 }],
      ["a model of another object", { objectId: 8, objectModel: model }],
      [
        "a mapping of the wrong shape",
        { objectId: 9, objectModel: model, resourceMappings: { 1: { alarmCreation: 5 } } },
      ],
      ["a model of the wrong shape", { objectId: 9, objectModel: { ...model, resources: [] } }],
    ] as const) {
      it(`refuses ${name}`, () => assertFails("VALIDATION", () => readProtocol(stored(fragment))));
    }
  });
});
