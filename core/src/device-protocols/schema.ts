/** Checks of what configures a resource (agent specification 7.3) and of stored protocols. */
import { MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { ObjectModel, ResourceModel } from "../lwm2m/model/object-model.ts";
import { RESOURCE_TYPES, type ResourceType } from "../lwm2m/resource-value.ts";
import type { Fragments, ManagedObject } from "../platform/platform.ts";
import {
  type DeviceProtocol,
  type ObserveParameters,
  PROTOCOL_FRAGMENT,
  type ResourceMapping,
  VERSIONS_FRAGMENT,
} from "./device-protocol.ts";
import { checkRules, type ValidationRules, validationSchema } from "./validation-rules.ts";

const LONGEST_TEXT = 100;
const LONGEST_PERIOD_SECONDS = 2 ** 31 - 1;
const NUMERIC: readonly ResourceType[] = ["INTEGER", "UNSIGNED_INTEGER", "FLOAT", "TIME"];

const text: JsonSchema = { type: "string", minLength: 1, maxLength: LONGEST_TEXT };
const optionalText: JsonSchema = { type: ["string", "null"], maxLength: LONGEST_TEXT };
const period: JsonSchema = { type: ["integer", "null"], minimum: 0, maximum: LONGEST_PERIOD_SECONDS };
const number: JsonSchema = { type: ["number", "null"] };

/** Null stands for "not configured". */
const functionality = (properties: JsonSchema, required: readonly string[], isStrict: boolean): JsonSchema => ({
  type: ["object", "null"],
  properties,
  required,
  additionalProperties: !isStrict,
});

/** @param isStrict whether unknown members are refused: what is stored may come from other tools */
function mappingSchema(isStrict: boolean): JsonSchema {
  const alarm = {
    severity: { enum: ["CRITICAL", "MAJOR", "MINOR", "WARNING"] },
    type: text,
    status: { enum: ["ACTIVE", "ACKNOWLEDGED", "CLEARED"] },
    text,
  };
  const observe = {
    autoObserve: { type: "boolean" },
    minPeriod: period,
    maxPeriod: period,
    lessThan: number,
    greaterThan: number,
    step: { type: ["number", "null"], exclusiveMinimum: 0 },
  };
  return {
    type: "object",
    properties: {
      resourceID: { type: "integer", minimum: 0, maximum: 65534 },
      measurementCreation: functionality(
        { type: text, series: text, unit: optionalText },
        ["type", "series"],
        isStrict,
      ),
      alarmCreation: functionality(alarm, Object.keys(alarm), isStrict),
      eventCreation: functionality({ type: text, text }, ["type", "text"], isStrict),
      customAction: functionality({ type: optionalText, actionName: text }, ["actionName"], isStrict),
      observeParameters: functionality(observe, ["autoObserve"], isStrict),
      skipIfEmpty: { type: "boolean" },
      validation: isStrict ? validationSchema : { type: ["object", "null"] },
    },
    additionalProperties: !isStrict,
  };
}

/** Published with the API: the mapping of one resource. */
const resourceMappingSchema: JsonSchema = mappingSchema(true);

const byResource = (of: JsonSchema): JsonSchema => ({
  type: "object",
  patternProperties: { "^\\d{1,5}$": of },
  additionalProperties: false,
});

const resourceModelSchema: JsonSchema = {
  type: "object",
  properties: {
    id: { type: "integer" },
    name: { type: "string" },
    operations: { enum: ["R", "W", "RW", "E", ""] },
    dataType: { enum: [...RESOURCE_TYPES, null] },
  },
  required: ["id", "name", "operations"],
};

const objectModelSchema: JsonSchema = {
  type: "object",
  properties: {
    id: { type: "integer", minimum: 0, maximum: 65534 },
    name: { type: "string" },
    version: { type: "string", pattern: "^\\d{1,5}\\.\\d{1,5}$" },
    resources: byResource(resourceModelSchema),
  },
  required: ["id", "name", "resources"],
};

/** A mapping before its `resourceID` is filled in from its key. */
type GivenMapping = Omit<ResourceMapping, "resourceID"> & { readonly resourceID?: number };
type Stored<T, K extends keyof T> = Pick<T, K> & Partial<Omit<T, K>>;
type StoredResource = Omit<Stored<ResourceModel, "id" | "name" | "operations">, "dataType"> & {
  readonly dataType?: ResourceType | null;
};
type StoredModel = Omit<Stored<ObjectModel, "id" | "name">, "resources"> & {
  readonly resources: Readonly<Record<string, StoredResource>>;
};
interface StoredMapping {
  readonly objectId: number;
  readonly objectModel: StoredModel;
  readonly resourceMappings?: Readonly<Record<string, GivenMapping>> | null;
  readonly objectInstanceActions?: Fragments | null;
}

const parseMappings = compileSchema<
  Readonly<Record<string, GivenMapping & { readonly validation?: ValidationRules | null }>>
>({
  ...byResource(resourceMappingSchema),
  minProperties: 1,
});

const parseStored = compileSchema<StoredMapping>({
  type: "object",
  properties: {
    objectId: { type: "integer", minimum: 0, maximum: 65534 },
    objectModel: objectModelSchema,
    resourceMappings: { ...byResource(mappingSchema(false)), type: ["object", "null"] },
    objectInstanceActions: { type: ["object", "null"] },
  },
  required: ["objectId", "objectModel"],
});
const parseVersions = compileSchema<readonly StoredModel[] | null>({
  type: ["array", "null"],
  items: { ...objectModelSchema, required: ["id", "name", "version", "resources"] },
});

function refuse(field: string, rule: string): never {
  throw new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });
}

/** White space and `. , * [ ] ( ) @ $` are refused by the measurement API; in a series a dot parts fragment and name (8.2). */
const FORBIDDEN_IN_TYPE = /[\s.,*[\]()@$]/;
const FORBIDDEN_IN_SERIES = /[\s,*[\]()@$]|^\.|\.$|\.\./;

function checkMeasurement({ measurementCreation }: ResourceMapping, at: string): void {
  if (!measurementCreation) return;
  const { type, series } = measurementCreation;
  const forbidden = "must not contain white space or any of . , * [ ] ( ) @ $";
  if (FORBIDDEN_IN_TYPE.test(type)) refuse(`${at}.measurementCreation.type`, forbidden);
  if (FORBIDDEN_IN_SERIES.test(series)) {
    refuse(`${at}.measurementCreation.series`, `${forbidden}, apart from dots between names`);
  }
}

/** Rules between attributes (LwM2M Core 1.1.1 section 5.1.2): lt + 2 st < gt, pmin up to pmax. */
function checkAttributes(observe: ObserveParameters, at: string, isNumeric: boolean): void {
  const { minPeriod, maxPeriod, lessThan, greaterThan, step } = observe;
  const thresholds = Object.entries({ lessThan, greaterThan, step }).filter(([, value]) => value != null);
  if (!isNumeric && thresholds[0]) refuse(`${at}.${thresholds[0][0]}`, "is for numeric resources only");
  if (minPeriod != null && maxPeriod != null && maxPeriod < minPeriod)
    refuse(`${at}.maxPeriod`, "must be at least minPeriod");
  if (lessThan != null && greaterThan != null && lessThan + 2 * (step ?? 0) >= greaterThan) {
    refuse(`${at}.greaterThan`, "must be above lessThan by more than two steps");
  }
}

export const isNumeric = (resource: ResourceModel | undefined): boolean =>
  resource?.dataType !== undefined && NUMERIC.includes(resource.dataType);

/**
 * Reads the body of `PUT objectResourceMappings/{id}/add`: mappings by resource id.
 * @throws MooringError VALIDATION with `details {field, rule}`; `field` such as `[5700].alarmCreation.severity`
 */
export function readResourceMappings(body: unknown, model: ObjectModel): Readonly<Record<string, ResourceMapping>> {
  const mappings = Object.entries(parseMappings(body)).map(([key, given]): [string, ResourceMapping] => {
    const at = `[${key}]`;
    const resource = model.resources[Number(key)];
    if (!resource) refuse(at, `is no resource of object ${model.id}, version ${model.version}`);
    const mapping = { ...given, resourceID: resource.id };
    if ((given.resourceID ?? resource.id) !== resource.id) refuse(`${at}.resourceID`, `must be ${resource.id}`);
    checkMeasurement(mapping, at);
    if (mapping.observeParameters) {
      checkAttributes(mapping.observeParameters, `${at}.observeParameters`, isNumeric(resource));
    }
    if (given.validation === undefined) return [String(resource.id), mapping];
    const validation = checkRules(given.validation, resource, `${at}.validation`);
    return [String(resource.id), { ...mapping, validation }];
  });
  return Object.fromEntries(mappings);
}

function completeResource({ dataType, ...given }: StoredResource): ResourceModel {
  const complete = { description: "", units: "", multiple: false, mandatory: false, rangeEnumeration: "", ...given };
  return dataType ? { ...complete, dataType } : complete;
}

/** Members that other tools leave out get their usual values. */
function completeModel(given: StoredModel): ObjectModel {
  const resources = Object.values(given.resources).map(resource => [resource.id, completeResource(resource)]);
  const usual = { description: "", version: "1.0", multiple: true, mandatory: false, urn: "" };
  return { ...usual, ...given, resources: Object.fromEntries(resources) };
}

/** Mappings of resources that a newer model has no more stay: the device may still have them. */
function completeMappings(given: Readonly<Record<string, GivenMapping>>): Readonly<Record<string, ResourceMapping>> {
  const mappings = Object.entries(given).map(([key, mapping]) => [
    Number(key),
    { ...mapping, resourceID: Number(key) },
  ]);
  return Object.fromEntries(mappings);
}

/**
 * Reads a stored protocol, whoever wrote it.
 * @throws MooringError VALIDATION
 */
export function readProtocol({ id, fragments }: ManagedObject): DeviceProtocol {
  const stored = parseStored(fragments[PROTOCOL_FRAGMENT]);
  if (stored.objectModel.id !== stored.objectId)
    refuse("objectId", `must be ${stored.objectModel.id}, as in objectModel`);
  const others = parseVersions(fragments[VERSIONS_FRAGMENT] ?? null) ?? [];
  return {
    id,
    objectId: stored.objectId,
    objectModel: completeModel(stored.objectModel),
    resourceMappings: completeMappings(stored.resourceMappings ?? {}),
    objectInstanceActions: stored.objectInstanceActions ?? {},
    otherVersions: others.filter(({ id: objectId }) => objectId === stored.objectId).map(completeModel),
  };
}
