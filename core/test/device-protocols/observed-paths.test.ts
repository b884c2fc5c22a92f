import { assert } from "chai";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { emptyProtocol, type ResourceMapping } from "../../src/device-protocols/device-protocol.ts";
import { observedPaths } from "../../src/device-protocols/observed-paths.ts";
import { decodeRegistrationLinks } from "../../src/lwm2m/codecs/link-format.ts";
import { ddfFile, parseDdf } from "../fixtures/ddf.ts";

const protocol = emptyProtocol(parseDdf(ddfFile("3303-temperature"))[0]!);
const event = { type: "c8y_Event", text: "x" };

const observed = (links: string, ...mappings: ResourceMapping[]) => {
  const resourceMappings = Object.fromEntries(mappings.map(mapping => [mapping.resourceID, mapping]));
  return observedPaths(
    id => (id === 3303 ? { ...protocol, resourceMappings } : undefined),
    decodeRegistrationLinks(encodeUtf8(links)).objectLinks,
  );
};

describe("device-protocols/observed-paths (agent specification 7.4, 7.5)", () => {
  const temperature: ResourceMapping = {
    resourceID: 5700,
    eventCreation: event,
    observeParameters: { autoObserve: true, minPeriod: 10, maxPeriod: 60, lessThan: 5, greaterThan: 30, step: 1 },
  };

  it("7.5 every instance of the links, each path once", () =>
    assert.deepEqual(
      observed("</3303>;ver=1.1,</3303/0>,</3303/7>,</3303/0>,</3/0>", temperature).map(({ path }) => path),
      [
        [3303, 0, 5700],
        [3303, 7, 5700],
      ],
    ));
  it("7.4 attributes by their names on the wire", () =>
    assert.deepEqual(observed("</3303/0>", temperature)[0]?.attributes, { pmin: 10, pmax: 60, lt: 5, gt: 30, st: 1 }));
  it("7.4 zero is a value, null and absent are none", () => {
    const observeParameters = { autoObserve: true, minPeriod: 0, maxPeriod: null };
    assert.deepEqual(observed("</3303/0>", { ...temperature, observeParameters })[0]?.attributes, { pmin: 0 });
  });
  it("7.4 thresholds go to numeric resources only", () => {
    const text = { ...temperature, resourceID: 5701 };
    assert.deepEqual(observed("</3303/0>", text)[0]?.attributes, { pmin: 10, pmax: 60 });
  });
  it("7.3 auto observe needs at least one functionality", () => {
    const observeParameters = { autoObserve: true };
    const only = (mapping: Partial<ResourceMapping>): number =>
      observed("</3303/0>", { resourceID: 5700, observeParameters, ...mapping }).length;
    assert.equal(only({}), 0);
    assert.equal(only({ eventCreation: null, validation: {} }), 0);
    assert.equal(only({ eventCreation: event }), 1);
    assert.equal(only({ measurementCreation: { type: "a", series: "b" } }), 1);
    assert.equal(only({ alarmCreation: { severity: "MINOR", type: "a", status: "ACTIVE", text: "b" } }), 1);
    assert.equal(only({ customAction: { actionName: "device:updateModelNumber" } }), 1);
  });
  it("autoObserve false, no parameters, an object without instances: nothing", () => {
    assert.isEmpty(observed("</3303/0>", { ...temperature, observeParameters: { autoObserve: false } }));
    assert.isEmpty(observed("</3303/0>", { resourceID: 5700, eventCreation: event }));
    assert.isEmpty(observed("</3303>", temperature));
    assert.isEmpty(observed("", temperature));
  });
});
