/** What a DDF says about an object, in the form that device protocols store (agent specification 7.1). */
import type { ResourceType } from "../resource-value.ts";

export interface ResourceModel {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly operations: "R" | "W" | "RW" | "E" | "";
  /** Absent for executable resources. */
  readonly dataType?: ResourceType;
  readonly units: string;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  readonly rangeEnumeration: string;
}

export interface ObjectModel {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  /** `1.0` where the DDF names none. */
  readonly version: string;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  readonly urn: string;
  /** Key: resource id in decimal. */
  readonly resources: Readonly<Record<string, ResourceModel>>;
}

/** What codecs ask of the models in force for one device: its tenant, its object versions. */
export interface ModelView {
  object(objectId: number): ObjectModel | undefined;
  resource(objectId: number, resourceId: number): ResourceModel | undefined;
}
