/** The one home of ajv. Schemas are compiled once, at construction; partner schemas never come here. */
import { Ajv, type ErrorObject } from "ajv";
import { MooringError } from "./errors.ts";

/** JSON Schema (draft 7) as plain data, so that it can also be published in the OpenAPI document. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true, verbose: true });
/** What a `pattern` asks for, as a person would say it: "must be paths such as /1". */
ajv.addKeyword({ keyword: "patternRule", schemaType: "string" });

/** What a program may say for "nothing" is not worth telling a person. */
const isNothing = (value: unknown): boolean => value === null || value === "" || value === "null";

/** `must be one of U, UQ`, `must be integer` */
function ruleOf({ keyword, message, params, parentSchema }: ErrorObject): string {
  const told = (values: unknown): unknown[] => [values].flat().filter(value => !isNothing(value));
  if (keyword === "enum") return `must be one of ${told(params["allowedValues"]).join(", ")}`;
  if (keyword === "type") return `must be ${told(params["type"]).join(" or ")}`;
  const rule: unknown = keyword === "pattern" ? parentSchema?.["patternRule"] : undefined;
  return typeof rule === "string" ? rule : (message ?? keyword);
}

/** `field` as `a.b[0]`; `rule` as a person would say it. */
function describe(error: ErrorObject): { field: string; rule: string } {
  const missing = error.keyword === "required" ? `/${String(error.params["missingProperty"])}` : "";
  const extra = error.keyword === "additionalProperties" ? `/${String(error.params["additionalProperty"])}` : "";
  const field = `${error.instancePath}${missing}${extra}`
    .split("/")
    .slice(1)
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part), "");
  if (missing) return { field, rule: "is missing" };
  if (extra) return { field, rule: "is not known here" };
  return { field: field || "body", rule: ruleOf(error) };
}

/**
 * @returns a function that gives its argument back, typed, when the schema holds
 * @throws  MooringError VALIDATION with `details {field, rule}` when it does not
 */
export function compileSchema<T>(schema: JsonSchema): (value: unknown) => T {
  const validate = ajv.compile<T>(schema);
  return value => {
    if (validate(value)) return value;
    const { field, rule } = describe(validate.errors![0]!);
    throw new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });
  };
}
