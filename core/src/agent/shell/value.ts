/** Values in a command line (agent specification 10.3), read by the types of their resources. Pure. */
import { fromHex } from "../../base/bytes.ts";
import { fitInteger, parseObjectLinkText, parseWhole } from "../../lwm2m/codecs/scalar.ts";
import type { ModelView, ResourceModel } from "../../lwm2m/model/object-model.ts";
import { formatPath, type Lwm2mPath } from "../../lwm2m/path.ts";
import type { ResourceType, ResourceValue, ScalarValue } from "../../lwm2m/resource-value.ts";
import type { JsonObject, JsonValue, PathValue } from "./command.ts";
import { isJsonObject, readJson, readJsonObject } from "./json.ts";
import { checkResources } from "./readers.ts";
import { refuse, type Word } from "./words.ts";

const RULES: Readonly<Record<ResourceType, string>> = {
  STRING: "text",
  CORELINK: "links such as </3/0>",
  INTEGER: "a whole number of 64 bits",
  UNSIGNED_INTEGER: "a whole number of 64 bits, not negative",
  FLOAT: "a decimal number",
  BOOLEAN: "true, false, 1 or 0",
  OPAQUE: "an even number of hexadecimal digits",
  TIME: "ISO 8601, or seconds since 1970",
  OBJECTLINK: "two ids such as 3:0",
};

const FLOAT = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

function wholeOf(text: string, type: "INTEGER" | "UNSIGNED_INTEGER" | "TIME"): number | bigint | undefined {
  const whole = parseWhole(text);
  return whole === undefined ? undefined : fitInteger(whole, type);
}

/** A time without zone is UTC. */
function timeOf(text: string): number | bigint | undefined {
  if (!ISO_TIME.test(text)) return wholeOf(text, "TIME");
  const zoned = /T.*(Z|[+-]\d\d:?\d\d)$/.test(text) || !text.includes("T") ? text : `${text}Z`;
  const ms = Date.parse(zoned);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

function scalarOf(text: string, type: ResourceType): ScalarValue | undefined {
  switch (type) {
    case "STRING":
    case "CORELINK":
      return text;
    case "INTEGER":
    case "UNSIGNED_INTEGER":
      return wholeOf(text, type);
    case "FLOAT":
      return FLOAT.test(text) ? Number(text) : undefined;
    case "BOOLEAN":
      if (/^(true|1)$/i.test(text)) return true;
      return /^(false|0)$/i.test(text) ? false : undefined;
    case "OPAQUE":
      return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text) ? fromHex(text) : undefined;
    case "TIME":
      return timeOf(text);
    case "OBJECTLINK":
      return parseObjectLinkText(text);
  }
}

function readScalar(path: Lwm2mPath, word: Word, type: ResourceType, text = word.text): ResourceValue {
  const value = scalarOf(text, type);
  if (value !== undefined) return { path, type, value };
  const message = `is no ${type} for ${formatPath(path)}`;
  throw refuse(text === word.text ? word : { ...word, text }, message, RULES[type], "VALUE_TYPE");
}

/** JSON values as the text of the command line: numbers and links look the same in both. */
const textOf = (value: Exclude<JsonValue, object | null>): string => String(value);

const INSTANCES = '{"0":value,"1":value}';

/** The objects view sends an array: each value at the place of its instance, null where there is none. */
function readPlaces(word: Word): JsonObject {
  const values = readJson(word, INSTANCES) as readonly JsonValue[];
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

/** Members of a map of resource instances. */
function readInstances(path: Lwm2mPath, word: Word, instances: JsonObject, type: ResourceType): ResourceValue[] {
  const wrong = (message: string) => refuse(word, message, INSTANCES, "VALUE_TYPE");
  const values = Object.entries(instances).map(([id, value]) => {
    if (!/^\d{1,5}$/.test(id) || Number(id) > 65_534) throw wrong(`has "${id.slice(0, 40)}" for a resource instance`);
    if (typeof value === "object") throw wrong(`has no value for ${formatPath(path)}/${id}`);
    return readScalar([...path, Number(id)], word, type, textOf(value));
  });
  if (values.length === 0) throw wrong(`has no instance for ${formatPath(path)}`);
  return values;
}

function modelOf(models: ModelView, path: Lwm2mPath, word: Word): ResourceModel & { readonly dataType: ResourceType } {
  const model = models.resource(path[0]!, path[2]!);
  const { dataType } = model ?? {};
  if (model && dataType) return { ...model, dataType };
  const named = formatPath(path);
  if (model) throw refuse(word, `is not for ${named}`, "it has no value, it is executed", "VALUE_TYPE");
  const rule = "upload the object's definition (DDF), or check the path";
  throw refuse(word, `cannot be read: ${named} has no known type`, rule, "VALUE_TYPE");
}

/** One resource, or one instance of it, whose value stands in JSON. */
function readMember(path: Lwm2mPath, word: Word, value: JsonValue, models: ModelView): ResourceValue[] {
  const { dataType, multiple } = modelOf(models, path, word);
  if (isJsonObject(value)) {
    if (multiple) return readInstances(path, word, value, dataType);
    throw refuse(word, `has several instances for ${formatPath(path)}`, "it has one value", "VALUE_TYPE");
  }
  if (multiple)
    throw refuse(word, `has one value for ${formatPath(path)}`, `it has several: ${INSTANCES}`, "VALUE_TYPE");
  return [readScalar(path, word, dataType, textOf(value as Exclude<JsonValue, object | null>))];
}

/**
 * Resources of one instance, by their ids.
 * @param path of the instance; of the object where the device is to choose the instance, which is 0 in the values then
 * @throws MooringError VALUE_TYPE
 */
export function readResources(path: Lwm2mPath, word: Word, resources: JsonObject, models: ModelView): ResourceValue[] {
  const [objectId, instanceId = 0] = path;
  return Object.entries(resources).flatMap(([id, value]) =>
    readMember([objectId!, instanceId, Number(id)], word, value, models),
  );
}

const RESOURCES = '{"<resource>":value}';

/**
 * @param path of an instance, a resource or a resource instance
 * @throws MooringError VALUE_TYPE, VALIDATION for JSON that is none: with the place of the value, `details {word, position, length, rule}`
 */
export function readValue({ path, value: word }: PathValue, models: ModelView): ResourceValue[] {
  if (path.length === 2) {
    const resources = checkResources(word, readJsonObject(word, RESOURCES), RESOURCES);
    if (Object.keys(resources).length === 0) throw refuse(word, "has no resource", RESOURCES);
    return readResources(path, word, resources, models);
  }
  const { dataType, multiple } = modelOf(models, path, word);
  if (!multiple || path.length === 4) return [readScalar(path, word, dataType)];
  const first = word.text[0];
  if (first !== "{" && first !== "[") {
    throw refuse(word, `is one value for ${formatPath(path)}`, `it has several: ${INSTANCES}`, "VALUE_TYPE");
  }
  return readInstances(path, word, first === "[" ? readPlaces(word) : readJsonObject(word, INSTANCES), dataType);
}

/** One value of one resource or resource instance, for messages that name every value. @throws MooringError VALUE_TYPE */
export function readSingle({ path, value: word }: PathValue, models: ModelView): ResourceValue {
  const { dataType, multiple } = modelOf(models, path, word);
  if (!multiple || path.length === 4) return readScalar(path, word, dataType);
  const rule = `name them by paths of their own, as ${formatPath([...path, 0])}`;
  throw refuse(word, `is not for ${formatPath(path)} with its several instances`, rule, "VALUE_TYPE");
}
