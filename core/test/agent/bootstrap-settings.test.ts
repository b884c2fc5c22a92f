import { assert } from "chai";
import { bootstrapSettingsOf } from "../../src/agent/bootstrap-settings.ts";
import { isFailure } from "../../src/base/errors.ts";

const USUAL = {
  accessControl: [],
  deletes: [[0], [1]],
  discover: true,
  readBack: [],
  serverInstance: 0,
  contentFormat: undefined,
  requestTimeoutMs: undefined,
  logLevel: undefined,
};

describe("agent/bootstrap-settings", () => {
  it("without fragments: /0 and /1 are deleted, the device is asked, nothing is read back", () =>
    assert.deepEqual(bootstrapSettingsOf({}), USUAL));

  it("B2, B3: what is deleted, discovered, read back and where Server instances begin follows the managed object", () => {
    const settings = bootstrapSettingsOf({
      bootstrapDeletes: "/1, /0/3",
      bootstrapDiscover: false,
      bootstrapReadBack: "/,/1,/2/0",
      lwm2mServerInstance: 7,
      serializationFormat: "SENML_CBOR",
      lwm2mRequestTimeout: 20_000,
      logLevel: "NONE",
    });
    assert.deepEqual(settings, {
      ...USUAL,
      deletes: [[1], [0, 3]],
      discover: false,
      readBack: [[], [1], [2, 0]],
      serverInstance: 7,
      contentFormat: 112,
      requestTimeoutMs: 20_000,
      logLevel: "NONE",
    });
  });

  it("B2: NONE spares a fragile device all Deletes", () =>
    assert.deepEqual(bootstrapSettingsOf({ bootstrapDeletes: "NONE" }).deletes, []));

  it("a format that holds single values only is none to bootstrap in", () =>
    assert.isUndefined(bootstrapSettingsOf({ serializationFormat: "OPAQUE" }).contentFormat));

  it("OMA 8: access control by Short Server ID; what an earlier bootstrap wrote goes first", () => {
    const settings = bootstrapSettingsOf({
      lwm2mAccessControl: [
        { objectId: 3, objectInstance: 0, owner: 1, rights: { 1: 15, 2: 1 } },
        { objectId: 5, objectInstance: 65_535, owner: 65_535 },
      ],
    });
    assert.deepEqual(settings.deletes, [[0], [1], [2]]);
    assert.deepEqual(settings.accessControl, [
      { instance: 0, objectId: 3, objectInstance: 0, ownerShortServerId: 1, rights: { 1: 15, 2: 1 } },
      { instance: 1, objectId: 5, objectInstance: 65_535, ownerShortServerId: 65_535, rights: {} },
    ]);
  });

  for (const [fragment, value, named] of [
    ["bootstrapDeletes", "0,1", /^bootstrapDeletes must be paths/],
    ["bootstrapDeletes", "/0,/x", /^bootstrapDeletes/],
    ["bootstrapDeletes", "/0/1/2", /^bootstrapDeletes/],
    ["bootstrapDeletes", 5, /^bootstrapDeletes/],
    ["bootstrapDeletes", "/99999", /^bootstrapDeletes/],
    ["bootstrapReadBack", "/0", /^bootstrapReadBack/],
    ["bootstrapReadBack", "/3", /^bootstrapReadBack/],
    ["lwm2mAccessControl", "all", /^lwm2mAccessControl must be array/],
    ["lwm2mAccessControl", [{ objectId: 3, objectInstance: 0 }], /^lwm2mAccessControl\[0\]\.owner is missing/],
    ["lwm2mAccessControl", [{ objectId: 3, objectInstance: 0, owner: 1, rights: { 1: 32 } }], /rights/],
    ["lwm2mAccessControl", [{ objectId: 3, objectInstance: 0, owner: 1, rights: { all: 1 } }], /rights/],
    [
      "lwm2mAccessControl",
      [{ objectId: 3, objectInstance: 0, owner: 1, rights: { 65535: 1 } }],
      /^lwm2mAccessControl\[0\]\.rights\.65535/,
    ],
    ["lwm2mAccessControl", Array(101).fill({ objectId: 3, objectInstance: 0, owner: 1 }), /lwm2mAccessControl/],
  ] as const) {
    it(`${fragment} ${JSON.stringify(value).slice(0, 70)} is refused by name`, () => {
      try {
        bootstrapSettingsOf({ [fragment]: value });
        assert.fail("taken");
      } catch (error) {
        assert.isTrue(isFailure(error, "VALIDATION"), String(error));
        assert.match((error as Error).message, named);
      }
    });
  }

  it("other values out of type count as unset", () =>
    assert.deepEqual(
      bootstrapSettingsOf({ lwm2mServerInstance: -1, bootstrapDiscover: "no", lwm2mRequestTimeout: "long" }),
      USUAL,
    ));
});
