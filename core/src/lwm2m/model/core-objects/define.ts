/** Objects as tables: one row a resource, with the object version in which it came. */
import type { ResourceType } from "../../resource-value.ts";
import { compareVersions } from "../../version.ts";
import type { ObjectModel, ResourceModel } from "../object-model.ts";

interface RowOptions {
  /** First object version that has the resource. */
  readonly since?: string;
  /** Last object version in which the row holds. */
  readonly until?: string;
  readonly multiple?: true;
  readonly mandatory?: true;
  readonly units?: string;
  readonly range?: string;
}

export type Row = readonly [
  id: number,
  name: string,
  operations: ResourceModel["operations"],
  type: ResourceType | undefined,
  description: string,
  options?: RowOptions,
];

export interface ObjectTable {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  /** Oldest first. */
  readonly versions: readonly string[];
  readonly rows: readonly Row[];
}

function resourceOf([id, name, operations, type, description, options = {}]: Row): ResourceModel {
  return {
    id,
    name,
    description,
    operations,
    ...(type ? { dataType: type } : {}),
    units: options.units ?? "",
    multiple: options.multiple ?? false,
    mandatory: options.mandatory ?? false,
    rangeEnumeration: options.range ?? "",
  };
}

/** OMA's registry names the first version without a number. */
const urnOf = (id: number, version: string): string =>
  version === "1.0" ? `urn:oma:lwm2m:oma:${id}` : `urn:oma:lwm2m:oma:${id}:${version}`;

function holdsIn(version: string, [, , , , , options]: Row): boolean {
  const { since = "1.0", until = version } = options ?? {};
  return compareVersions(since, version) <= 0 && compareVersions(version, until) <= 0;
}

/** One model for each version of the table, oldest first. */
export function modelsOf({ rows, versions, ...object }: ObjectTable): ObjectModel[] {
  return versions.map(version => {
    const present = rows.filter(row => holdsIn(version, row));
    const resources = Object.fromEntries(present.map(row => [row[0], resourceOf(row)]));
    return { ...object, version, urn: urnOf(object.id, version), resources };
  });
}
