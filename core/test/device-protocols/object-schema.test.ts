import { assert } from "chai";
import { emptyProtocol } from "../../src/device-protocols/device-protocol.ts";
import { schemaBody, schemaObjectId } from "../../src/device-protocols/object-schema.ts";
import type { ObjectModel } from "../../src/lwm2m/model/object-model.ts";
import { lastValuesFragment } from "../../src/platform/last-values.ts";
import { ddf, ddfFile, item, object, parseDdf } from "../fixtures/ddf.ts";

interface Property {
  readonly title: string;
  readonly description: string;
  readonly type: string;
  readonly items?: { readonly type: string };
  readonly operations: readonly { readonly name: string; readonly template: string }[];
  readonly [member: string]: unknown;
}
interface Schema {
  readonly fragmentType: string;
  readonly properties: Readonly<Record<string, Property>>;
  readonly [member: string]: unknown;
}

const schemaOf = (model: ObjectModel, others: readonly ObjectModel[] = []): Schema =>
  schemaBody({ ...emptyProtocol(model), otherVersions: others })["c8y_JsonSchema"] as Schema;
const one = (...items: readonly string[]): ObjectModel => parseDdf(ddf(object({ items })))[0]!;

/** What a client makes of a template for an instance, a property and what people put in. */
function command(template: string, instance: number, property: string, input: string): unknown {
  const values: Readonly<Record<string, string>> = { "object.instance": String(instance), property, inputValue: input };
  return JSON.parse(template.replace(/\$\{([^}]+)\}/g, (_, name: string) => values[name]!));
}
const texts = ({ operations }: Property, property = "1", input = "7") =>
  operations.map(({ name, template }) => [
    name,
    (command(template, 3, property, input) as { c8y_Command: { text: string } }).c8y_Command.text,
  ]);

describe("device-protocols/object-schema (agent specification 11.1)", () => {
  it("is a managed object that clients find by its type, its marker and what it applies to", () => {
    const body = schemaBody(emptyProtocol(parseDdf(ddfFile("3303-temperature"))[0]!));
    assert.deepInclude(body, {
      type: "c8y_JsonSchema",
      name: "Schema of 3303 Temperature",
      appliesTo: { GENERIC_UI: true },
      c8y_Global: {},
      c8y_GenericUI_Schema_3303: {},
    });
    assert.equal(schemaObjectId(body), 3303);
    assert.isUndefined(schemaObjectId({ c8y_GenericUI_Schema_x: {}, c8y_JsonSchema: {} }));
  });

  it("its pattern matches the fragments of the object's last values, and no others", () => {
    const { fragmentType, title, titleDisplay } = schemaOf(parseDdf(ddfFile("3303-temperature"))[0]!);
    const matches = (name: string): boolean => new RegExp(fragmentType).test(name);
    assert.isTrue([0, 1, 65_534].every(instance => matches(lastValuesFragment(3303, instance))));
    const others = [
      lastValuesFragment(33_03 * 10, 0),
      lastValuesFragment(303, 0),
      "c8y_Lwm2m_3303!",
      "x_c8y_Lwm2m_3303!0",
    ];
    assert.isFalse(others.some(matches));
    assert.equal(title, "Temperature");
    assert.equal(String(titleDisplay).replace(/\$\{object\.instance\}/, "4"), "Temperature /3303/4");
  });

  it("20-24: each type as its last values are: a time is a whole number, JSON in a text stays a text", () => {
    const types = ["String", "Integer", "Unsigned Integer", "Float", "Boolean", "Opaque", "Time", "Objlnk", "Corelnk"];
    const { properties } = schemaOf(one(...types.map((type, id) => item({ id: String(id), type, operations: "RW" }))));
    assert.deepEqual(
      types.map((_, id) => properties[id]!.type),
      ["string", "integer", "integer", "number", "boolean", "string", "integer", "string", "string"],
    );
    assert.include(properties[6]!.description, "Seconds since 1970-01-01 UTC.");
  });
  it("20-24: instances of a resource are an array, which clients make of JSON in a string", () => {
    const { properties } = schemaOf(one(item({ id: "1", type: "Float", multiple: "Multiple" })));
    assert.deepInclude(properties[1], { type: "array", items: { type: "number" } } as never);
  });

  it("operations are what the resource allows", () => {
    const { properties } = schemaOf(
      one(
        item({ id: "0", operations: "R" }),
        item({ id: "1", operations: "W" }),
        item({ id: "2", operations: "RW" }),
        item({ id: "3", operations: "E", type: "" }),
        item({ id: "4", operations: "" }),
      ),
    );
    assert.deepEqual(
      [0, 1, 2, 3, 4].map(id => texts(properties[id]!, String(id))),
      [
        [["Read", "read /10000/3/0"]],
        [["Write", "write /10000/3/1 7"]],
        [
          ["Read", "read /10000/3/2"],
          ["Write", "write /10000/3/2 7"],
        ],
        [
          ["Execute", "execute /10000/3/3"],
          ["Execute with parameters", "execute /10000/3/3 7"],
        ],
        [],
      ],
    );
    assert.equal(properties[3]!.type, "string", "what people put in are parameters");
  });

  it("nothing is edited in place: clients go by either spelling", () => {
    for (const property of Object.values(schemaOf(parseDdf(ddfFile("3303-temperature"))[0]!).properties)) {
      assert.deepInclude(property, { readOnly: true, readonly: true });
    }
  });

  it("the menu of an instance is in the given order; with one instance there is nothing to create or delete", () => {
    const menu = (multiple: string) =>
      texts(schemaOf(parseDdf(ddf(object({ multiple })))[0]!).properties["operations"]!);
    const single = [
      ["Read Object", "read /10000"],
      ["Read Instance", "read /10000/3"],
    ];
    assert.deepEqual(menu("Single"), single);
    assert.deepEqual(menu("Multiple"), [
      ...single,
      ["Create Instance", "create /10000"],
      ["Delete Instance", "delete /10000/3"],
    ]);
  });

  it("holds the resources of all versions, in the words of the newest", () => {
    const older = one(item({ id: "1", name: "Old", type: "String" }), item({ id: "2", name: "Gone" }));
    const newer = { ...one(item({ id: "1", name: "New", type: "Float" })), version: "1.1" };
    const { properties } = schemaOf(newer, [older]);
    assert.deepEqual(
      ["1", "2"].map(id => [properties[id]!.title, properties[id]!.type]),
      [
        ["New", "number"],
        ["Gone", "integer"],
      ],
    );
  });
});
