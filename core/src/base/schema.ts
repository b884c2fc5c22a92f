/** The one home of ajv. Schemas are compiled once, at construction; partner schemas never come here. */
import { Ajv, type ErrorObject } from "ajv";
import { MooringError } from "./errors.ts";

/** JSON Schema (draft 7) as plain data, so that it can also be published in the OpenAPI document. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });

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
  const allowed = error.keyword === "enum" ? `: ${(error.params["allowedValues"] as unknown[]).join(", ")}` : "";
  return { field: field || "body", rule: `${error.message ?? error.keyword}${allowed}` };
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
