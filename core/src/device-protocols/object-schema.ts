/**
 * How the objects view shows the instances of an object (agent specification 11.1): a JSON schema made of its models, with the commands that each
 * resource allows. Pure.
 */
import type { ObjectModel, ResourceModel } from "../lwm2m/model/object-model.ts";
import type { ResourceType } from "../lwm2m/resource-value.ts";
import { lastValuesPattern } from "../platform/last-values.ts";
import type { Fragments } from "../platform/platform.ts";
import { type DeviceProtocol, modelsOfProtocol } from "./device-protocol.ts";

export const SCHEMA_TYPE = "c8y_JsonSchema";
const MARKER = "c8y_GenericUI_Schema_";

/** The object whose schema a managed object is; undefined: of none. */
export function schemaObjectId(fragments: Fragments): number | undefined {
  const id = Object.keys(fragments)
    .find(name => name.startsWith(MARKER))
    ?.slice(MARKER.length);
  return id !== undefined && /^\d{1,5}$/.test(id) ? Number(id) : undefined;
}

/** What the values of a type are as last values: times are whole seconds, bytes and links are text. */
const JSON_TYPES: Readonly<Record<ResourceType, "string" | "integer" | "number" | "boolean">> = {
  STRING: "string",
  INTEGER: "integer",
  UNSIGNED_INTEGER: "integer",
  FLOAT: "number",
  BOOLEAN: "boolean",
  OPAQUE: "string",
  TIME: "integer",
  OBJECTLINK: "string",
  CORELINK: "string",
};

interface SchemaOperation {
  readonly name: string;
  /** JSON of the operation; the client puts `${...}` in. */
  readonly template: string;
}

const operation = (name: string, text: string): SchemaOperation => ({
  name,
  template: JSON.stringify({ c8y_Command: { text } }),
});

const placeholder = (name: string): string => `\${${name}}`;
const INSTANCE = placeholder("object.instance");
const PROPERTY = placeholder("property");
const INPUT = placeholder("inputValue");

/** The names are the clients' words: they tell by them what a button does. */
function operationsOf(objectId: number, { operations }: ResourceModel): SchemaOperation[] {
  const path = `/${objectId}/${INSTANCE}/${PROPERTY}`;
  return [
    ...(operations.includes("R") ? [operation("Read", `read ${path}`)] : []),
    ...(operations.includes("W") ? [operation("Write", `write ${path} ${INPUT}`)] : []),
    ...(operations === "E"
      ? [operation("Execute", `execute ${path}`), operation("Execute with parameters", `execute ${path} ${INPUT}`)]
      : []),
  ];
}

const describe = ({ description, units, rangeEnumeration, dataType }: ResourceModel): string =>
  [
    description,
    units && `Unit: ${units}.`,
    rangeEnumeration && `Range: ${rangeEnumeration}.`,
    dataType === "TIME" && "Seconds since 1970-01-01 UTC.",
  ]
    .filter(Boolean)
    .join(" ");

/** Values are changed by operations only: clients take either spelling for "not to be edited in place". */
const FIXED = { readOnly: true, readonly: true } as const;

/** Of what is executed the value is its parameters; clients read a map of instances as an array. */
function propertyOf(objectId: number, resource: ResourceModel): Fragments {
  const { name: title, dataType, multiple } = resource;
  const type = dataType ? JSON_TYPES[dataType] : "string";
  return {
    title,
    description: describe(resource),
    ...(multiple ? { type: "array", items: { type } } : { type }),
    ...FIXED,
    operations: operationsOf(objectId, resource),
  };
}

/** In this order: clients go by the place. An object with one instance has nothing to create or delete. */
function menuOf({ id, multiple }: Pick<ObjectModel, "id" | "multiple">): Fragments {
  const instance = `/${id}/${INSTANCE}`;
  const operations = [
    operation("Read Object", `read /${id}`),
    operation("Read Instance", `read ${instance}`),
    ...(multiple
      ? [operation("Create Instance", `create /${id}`), operation("Delete Instance", `delete ${instance}`)]
      : []),
  ];
  return { title: "Operations", type: "operations", ...FIXED, operations };
}

/**
 * Body of the managed object for an object's schema: resources of all of its versions, the newest one's words where they share one.
 */
export function schemaBody(protocol: DeviceProtocol): Fragments {
  const { id, name: title } = protocol.objectModel;
  const models = modelsOfProtocol(protocol);
  const resources = Object.values(Object.assign({}, ...models.map(model => model.resources))) as ResourceModel[];
  return {
    name: `Schema of ${id} ${title}`,
    type: SCHEMA_TYPE,
    appliesTo: { GENERIC_UI: true },
    c8y_Global: {},
    [`${MARKER}${id}`]: {},
    c8y_JsonSchema: {
      fragmentType: lastValuesPattern(id),
      title,
      titleDisplay: `${title} /${id}/${INSTANCE}`,
      type: "object",
      properties: {
        ...Object.fromEntries(resources.map(resource => [resource.id, propertyOf(id, resource)])),
        operations: menuOf({ id, multiple: models.some(({ multiple }) => multiple) }),
      },
    },
  };
}
