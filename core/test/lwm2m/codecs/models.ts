/** Small model views for codec tests: `{ 3: { multiple: false, resources: { 9: "INTEGER", 6: ["INTEGER"] } } }`. */
import type { ModelView, ObjectModel, ResourceModel } from "../../../src/lwm2m/model/object-model.ts";
import type { Lwm2mPath } from "../../../src/lwm2m/path.ts";
import type { ResourceType, ResourceValue, ScalarValue } from "../../../src/lwm2m/resource-value.ts";

/** A type in brackets: a multiple resource. */
type Types = Readonly<Record<number, ResourceType | readonly [ResourceType]>>;

function resourceModel(id: number, type: ResourceType | readonly [ResourceType]): ResourceModel {
  return {
    id,
    name: `Resource ${id}`,
    description: "",
    operations: "RW",
    dataType: typeof type === "string" ? type : type[0],
    units: "",
    multiple: typeof type !== "string",
    mandatory: false,
    rangeEnumeration: "",
  };
}

function objectModel(id: number, multiple: boolean, types: Types): ObjectModel {
  const resources = Object.entries(types).map(([key, type]) => [key, resourceModel(Number(key), type)]);
  return {
    id,
    name: `Object ${id}`,
    description: "",
    version: "1.0",
    multiple,
    mandatory: false,
    urn: "",
    resources: Object.fromEntries(resources),
  };
}

export function modelsOf(objects: Readonly<Record<number, { multiple?: boolean; resources: Types }>>): ModelView {
  const models = new Map(
    Object.entries(objects).map(([id, { multiple = false, resources }]) => [
      Number(id),
      objectModel(Number(id), multiple, resources),
    ]),
  );
  return {
    object: id => models.get(id),
    resource: (objectId, resourceId) => models.get(objectId)?.resources[resourceId],
  };
}

/** Device, Access Control, Server of LwM2M 1.0 as far as the standard's examples need them, and its objects 65 and 66. */
export const exampleModels = modelsOf({
  1: { multiple: true, resources: { 0: "INTEGER", 1: "INTEGER", 6: "BOOLEAN", 7: "STRING" } },
  2: { multiple: true, resources: { 0: "INTEGER", 1: "INTEGER", 2: ["INTEGER"], 3: "INTEGER" } },
  3: {
    resources: {
      0: "STRING",
      1: "STRING",
      2: "STRING",
      3: "STRING",
      6: ["INTEGER"],
      7: ["INTEGER"],
      8: ["INTEGER"],
      9: "INTEGER",
      10: "INTEGER",
      11: ["INTEGER"],
      13: "TIME",
      14: "STRING",
      16: "STRING",
    },
  },
  5: { resources: { 0: "OPAQUE", 1: "STRING", 3: "INTEGER" } },
  65: { resources: { 0: ["OBJECTLINK"], 1: "STRING", 2: "INTEGER" } },
  66: { multiple: true, resources: { 0: "STRING", 1: "STRING", 2: "OBJECTLINK" } },
  3303: { multiple: true, resources: { 5700: "FLOAT", 5701: "STRING" } },
  3442: {
    multiple: true,
    resources: {
      110: "STRING",
      120: "INTEGER",
      125: "UNSIGNED_INTEGER",
      130: "FLOAT",
      140: "BOOLEAN",
      150: "OPAQUE",
      160: "TIME",
      170: "OBJECTLINK",
      180: "CORELINK",
      1110: ["STRING"],
      1120: ["INTEGER"],
      1125: ["UNSIGNED_INTEGER"],
      1130: ["FLOAT"],
      1140: ["BOOLEAN"],
      1150: ["OPAQUE"],
      1160: ["TIME"],
      1170: ["OBJECTLINK"],
      1180: ["CORELINK"],
    },
  },
});

export const NOW_MS = Date.UTC(2026, 0, 1);

export const contextOf = (path: Lwm2mPath, models: ModelView = exampleModels) => ({ path, models, nowMs: NOW_MS });

export const resourceValue = (path: Lwm2mPath, type: ResourceType, value: ScalarValue): ResourceValue => ({
  path,
  type,
  value,
});

export type Row = readonly [path: Lwm2mPath, type: ResourceType, value: ScalarValue];

/** The Device instance of the standard's examples (LwM2M TS 1.0.2 section 6.4.3.1, Core 1.2.2 sections 7.5.4 to 7.5.7). */
export const DEVICE_ROWS: readonly Row[] = [
  [[3, 0, 0], "STRING", "Open Mobile Alliance"],
  [[3, 0, 1], "STRING", "Lightweight M2M Client"],
  [[3, 0, 2], "STRING", "345000123"],
  [[3, 0, 3], "STRING", "1.0"],
  [[3, 0, 6, 0], "INTEGER", 1],
  [[3, 0, 6, 1], "INTEGER", 5],
  [[3, 0, 7, 0], "INTEGER", 3800],
  [[3, 0, 7, 1], "INTEGER", 5000],
  [[3, 0, 8, 0], "INTEGER", 125],
  [[3, 0, 8, 1], "INTEGER", 900],
  [[3, 0, 9], "INTEGER", 100],
  [[3, 0, 10], "INTEGER", 15],
  [[3, 0, 11, 0], "INTEGER", 0],
  [[3, 0, 13], "TIME", 1367491215],
  [[3, 0, 14], "STRING", "+02:00"],
  [[3, 0, 16], "STRING", "U"],
];
