/** Values of the `write` command as text (agent specification 10.3), read by the resource's type. Pure. */
import { fromHex } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import { fitInteger, parseObjectLinkText, parseWhole } from "../lwm2m/codecs/scalar.ts";
import type { ModelView, ResourceModel } from "../lwm2m/model/object-model.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";
import type { ResourceType, ResourceValue, ScalarValue } from "../lwm2m/resource-value.ts";

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

function readScalar(path: Lwm2mPath, text: string, type: ResourceType): ResourceValue {
  const value = scalarOf(text, type);
  if (value !== undefined) return { path, type, value };
  throw new MooringError("VALUE_TYPE", `"${text}" is no ${type} for ${formatPath(path)}: ${RULES[type]}`, {
    word: text,
    type,
  });
}

/** `{"0":v,"1":v}` */
function readInstances(path: Lwm2mPath, text: string, type: ResourceType): ResourceValue[] {
  const refuse = (): never => {
    const message = `${formatPath(path)} has several instances: give them as {"0":value,"1":value}`;
    throw new MooringError("VALUE_TYPE", message, { word: text });
  };
  let instances: unknown;
  try {
    instances = JSON.parse(text);
  } catch {
    refuse();
  }
  if (typeof instances !== "object" || instances === null || Array.isArray(instances)) return refuse();
  const values = Object.entries(instances).map(([id, value]) => {
    if (!/^\d{1,5}$/.test(id) || Number(id) > 65_534 || typeof value === "object") return refuse();
    return readScalar([...path, Number(id)], String(value), type);
  });
  return values.length > 0 ? values : refuse();
}

function typeOf(model: ResourceModel | undefined, path: Lwm2mPath): ResourceType {
  if (model?.dataType) return model.dataType;
  const why = model
    ? "has no value, it is executed"
    : "has no known type: upload the object's definition (DDF) or check the path";
  throw new MooringError("VALUE_TYPE", `${formatPath(path)} ${why}`, { word: formatPath(path) });
}

/**
 * @param path of the resource, or of one resource instance
 * @throws MooringError VALUE_TYPE naming the value and what it should look like
 */
export function readValue(path: Lwm2mPath, text: string, models: ModelView): ResourceValue[] {
  const model = models.resource(path[0]!, path[2]!);
  const type = typeOf(model, path);
  return model?.multiple && path.length === 3 ? readInstances(path, text, type) : [readScalar(path, text, type)];
}
