/**
 * Rules for the values that are written to a resource (agent specification 12): groups of rules, of which one must hold as a whole.
 * Here is what they may say; `check-value.ts` holds a value against them.
 */
import { MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import { isPattern } from "../base/whole-match.ts";
import type { ResourceModel } from "../lwm2m/model/object-model.ts";
import type { ResourceType } from "../lwm2m/resource-value.ts";

const COMPARISONS = ["gt", "lt", "gte", "lte", "eq", "neq"] as const;
const VALUE_TYPES = ["number", "date", "string", "regex", "objectLink"] as const;
export type Comparison = (typeof COMPARISONS)[number];
export type RuleValueType = (typeof VALUE_TYPES)[number];

export interface ValidationRule {
  readonly type: Comparison;
  readonly arg: {
    readonly valueType: RuleValueType;
    /** `number`: decimal. `date`: ms since the epoch. `regex`: matches all of the text. `objectLink`: see {@link parseLink}. */
    readonly value: string | number | boolean;
  };
}

/** Holds when one group holds, a group when all of its rules do. */
export interface ValidationRules {
  readonly type: "or";
  readonly arg: readonly { readonly type: "and"; readonly arg: readonly ValidationRule[] }[];
}

/** Of one resource: far more than a form shows, few enough to be checked with each write. */
const MOST_GROUPS = 50;
const MOST_RULES = 50;
const LONGEST_VALUE = 1000;

const ruleSchema: JsonSchema = {
  type: "object",
  properties: {
    type: { enum: COMPARISONS },
    arg: {
      type: "object",
      properties: {
        valueType: { enum: VALUE_TYPES },
        value: { type: ["string", "number", "boolean"], maxLength: LONGEST_VALUE },
      },
      required: ["valueType", "value"],
      additionalProperties: false,
    },
  },
  required: ["type", "arg"],
  additionalProperties: false,
};

/** Published with the API. No group at all stands for no rules. */
export const validationSchema: JsonSchema = {
  type: ["object", "null"],
  properties: {
    type: { const: "or" },
    arg: {
      type: "array",
      maxItems: MOST_GROUPS,
      items: {
        type: "object",
        properties: {
          type: { const: "and" },
          arg: { type: "array", minItems: 1, maxItems: MOST_RULES, items: ruleSchema },
        },
        required: ["type", "arg"],
        additionalProperties: false,
      },
    },
  },
  required: ["type", "arg"],
  additionalProperties: false,
};

const parseRules = compileSchema<ValidationRules | null>(validationSchema);

/** How a resource of a type is compared, and with what. Types without a row take no rules. */
const BY_TYPE: Readonly<
  Partial<
    Record<ResourceType, { readonly comparisons: readonly Comparison[]; readonly values: readonly RuleValueType[] }>
  >
> = {
  INTEGER: { comparisons: COMPARISONS, values: ["number", "objectLink"] },
  UNSIGNED_INTEGER: { comparisons: COMPARISONS, values: ["number", "objectLink"] },
  FLOAT: { comparisons: COMPARISONS, values: ["number", "objectLink"] },
  TIME: { comparisons: COMPARISONS, values: ["date", "objectLink"] },
  STRING: { comparisons: ["eq", "neq"], values: ["string", "regex", "objectLink"] },
  OBJECTLINK: { comparisons: ["eq", "neq"], values: ["string", "regex", "objectLink"] },
  BOOLEAN: { comparisons: ["eq", "neq"], values: ["string", "objectLink"] },
};

function refuse(field: string, rule: string): never {
  throw new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });
}

/** A resource whose last value a rule compares with. */
export interface LinkedResource {
  readonly objectId: number;
  /** Undefined: any instance (`*`). */
  readonly instanceId: number | undefined;
  readonly resourceId: number;
  /** Undefined: any instance of the resource. */
  readonly resourceInstanceId: number | undefined;
}

const LINK = /^\/(\d{1,5})\/(\d{1,5}|\*)\/(\d{1,5})(?:\/(\d{1,5}))?$/;
const LARGEST_ID = 65_534;

/** @param text such as `/3/0/15`; `*` as the instance stands for any. @returns undefined for anything else */
export function parseLink(text: string): LinkedResource | undefined {
  const found = LINK.exec(text);
  if (!found) return undefined;
  const [, object, instance, resource, resourceInstance] = found;
  const ids = [object, instance === "*" ? 0 : instance, resource, resourceInstance ?? 0].map(Number);
  if (ids.some(id => id > LARGEST_ID)) return undefined;
  return {
    objectId: ids[0]!,
    instanceId: instance === "*" ? undefined : ids[1]!,
    resourceId: ids[2]!,
    resourceInstanceId: resourceInstance === undefined ? undefined : ids[3]!,
  };
}

/** @returns what is wrong with the value; undefined: nothing */
function wrongValue({ valueType, value }: ValidationRule["arg"], dataType: ResourceType): string | undefined {
  const text = String(value);
  switch (valueType) {
    case "number":
      if (dataType === "FLOAT") {
        return typeof value === "number" || /^-?(\d*\.)?\d+$/.test(text) ? undefined : "must be a decimal number";
      }
      return /^-?\d+$/.test(text) ? undefined : "must be a whole number";
    case "date":
      return /^\d+$/.test(text) ? undefined : "must be milliseconds since 1970";
    case "objectLink":
      return parseLink(text) ? undefined : "must be the path of a resource such as /3/0/15, with * for any instance";
    case "regex":
      return isPattern(text) ? undefined : "must be a regular expression";
    case "string":
      return dataType !== "BOOLEAN" || /^(true|false)$/.test(text) ? undefined : "must be true or false";
  }
}

function checkRule({ type, arg }: ValidationRule, dataType: ResourceType, at: string): void {
  const { comparisons, values } = BY_TYPE[dataType]!;
  if (!comparisons.includes(type)) refuse(`${at}.type`, `must be one of ${comparisons.join(", ")} for ${dataType}`);
  if (!values.includes(arg.valueType)) {
    refuse(`${at}.arg.valueType`, `must be one of ${values.join(", ")} for ${dataType}`);
  }
  const wrong = wrongValue(arg, dataType);
  if (wrong) refuse(`${at}.arg.value`, wrong);
}

/**
 * Checks rules that have the form of {@link validationSchema} against the resource that they are for.
 * @param at where they stand, such as `[5601].validation`
 * @returns the rules; null where there are none
 * @throws MooringError VALIDATION with `details {field, rule}`
 */
export function checkRules(rules: ValidationRules | null, resource: ResourceModel, at: string): ValidationRules | null {
  if (rules === null || rules.arg.length === 0) return null;
  if (!resource.operations.includes("W")) refuse(at, "is for resources that can be written only");
  const { dataType } = resource;
  if (dataType === undefined || !BY_TYPE[dataType]) {
    refuse(at, `is not for resources of type ${dataType ?? "none"}: ${Object.keys(BY_TYPE).join(", ")} have rules`);
  }
  for (const [place, group] of rules.arg.entries()) {
    for (const [inGroup, rule] of group.arg.entries()) checkRule(rule, dataType, `${at}.arg[${place}].arg[${inGroup}]`);
  }
  return rules;
}

/**
 * Reads stored rules, whoever wrote them.
 * @throws MooringError VALIDATION as {@link checkRules}
 */
export function readRules(stored: unknown, resource: ResourceModel): ValidationRules | null {
  return checkRules(parseRules(stored), resource, "validation");
}
