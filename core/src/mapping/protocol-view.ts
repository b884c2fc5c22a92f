/** What the mapping reads of a device protocol (agent specification 7.1). Where nothing is configured a member is absent or null. */

import type { ObjectModel } from "../lwm2m/model/object-model.ts";
import type { AlarmStatus, Severity } from "../platform/platform.ts";
import type { MeasurementMapping } from "./measurement-drafts.ts";

export interface ResourceMappingView {
  readonly measurementCreation?: MeasurementMapping | null;
  readonly alarmCreation?: {
    readonly severity: Severity;
    readonly type: string;
    readonly status: AlarmStatus;
    readonly text: string;
  } | null;
  readonly eventCreation?: { readonly type: string; readonly text: string } | null;
  readonly customAction?: { readonly actionName: string } | null;
  readonly skipIfEmpty?: boolean;
}

export interface ProtocolView {
  readonly objectModel: ObjectModel;
  /** By resource id in decimal. */
  readonly resourceMappings: Readonly<Record<string, ResourceMappingView>>;
}
