/**
 * A device protocol: an object's model and what becomes of its resources. Stored as a managed object with the fragment
 * `c8y_objectmapping_ObjectMapping` (agent specification 7.1); these types are that fragment's shape.
 */
import type { ObjectModel } from "../lwm2m/model/object-model.ts";
import type { AlarmStatus, Fragments, Severity } from "../platform/platform.ts";

export const PROTOCOL_TYPE = "c8y_LWM2MDeviceProtocol";
export const PROTOCOL_FRAGMENT = "c8y_objectmapping_ObjectMapping";
/** Models of the object's other versions: uploaded before, still in force for devices that register them. */
export const VERSIONS_FRAGMENT = "c8y_objectmapping_ModelVersions";

export interface MeasurementCreation {
  readonly type: string;
  readonly series: string;
  /** The model's units where absent. */
  readonly unit?: string | null;
}

export interface AlarmCreation {
  readonly severity: Severity;
  readonly type: string;
  readonly status: AlarmStatus;
  readonly text: string;
}

export interface EventCreation {
  readonly type: string;
  readonly text: string;
}

export interface CustomAction {
  readonly type?: string | null;
  /** `group:verb`, or `decoder:<key>` */
  readonly actionName: string;
}

/** Attributes of section 7.4; periods in seconds. */
export interface ObserveParameters {
  readonly autoObserve: boolean;
  readonly minPeriod?: number | null;
  readonly maxPeriod?: number | null;
  readonly lessThan?: number | null;
  readonly greaterThan?: number | null;
  readonly step?: number | null;
}

/** Functionalities of one resource (section 7.3); absent or null where not configured. */
export interface ResourceMapping {
  readonly resourceID: number;
  readonly measurementCreation?: MeasurementCreation | null;
  readonly alarmCreation?: AlarmCreation | null;
  readonly eventCreation?: EventCreation | null;
  readonly customAction?: CustomAction | null;
  readonly observeParameters?: ObserveParameters | null;
  readonly skipIfEmpty?: boolean;
  /** Rules of section 12 as they are stored, whoever wrote them: `readRules` of validation-rules.ts reads them. */
  readonly validation?: object | null;
}

export interface ObjectMapping {
  readonly objectId: number;
  readonly objectModel: ObjectModel;
  /** Key: resource id in decimal. */
  readonly resourceMappings: Readonly<Record<string, ResourceMapping>>;
  readonly objectInstanceActions: Fragments;
}

export interface DeviceProtocol extends ObjectMapping {
  /** Managed object that holds it; undefined for a built-in one. */
  readonly id: string | undefined;
  /** Versions of the object besides `objectModel.version`. */
  readonly otherVersions: readonly ObjectModel[];
}

const protocolName = ({ id, name }: ObjectModel): string => `${id} ${name}`;

/** A protocol that maps nothing yet. */
export const emptyProtocol = (objectModel: ObjectModel): DeviceProtocol => ({
  id: undefined,
  objectId: objectModel.id,
  objectModel,
  resourceMappings: {},
  objectInstanceActions: {},
  otherVersions: [],
});

export const modelsOfProtocol = ({ objectModel, otherVersions }: DeviceProtocol): ObjectModel[] => [
  ...otherVersions,
  objectModel,
];

/** Members of the managed object, for creating it and for changing it: null takes a member away. */
export function protocolBody(protocol: DeviceProtocol): Fragments {
  const { objectId, objectModel, resourceMappings, objectInstanceActions, otherVersions } = protocol;
  return {
    type: PROTOCOL_TYPE,
    name: protocolName(objectModel),
    [PROTOCOL_FRAGMENT]: { objectId, objectModel, resourceMappings, objectInstanceActions },
    [VERSIONS_FRAGMENT]: otherVersions.length > 0 ? otherVersions : null,
  };
}
