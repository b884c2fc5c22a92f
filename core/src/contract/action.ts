/** Mapping actions: a value in, effects out. Pure: no I/O, no clock, no state. */
import type { ResourceModel } from "../lwm2m/model/object-model.ts";
import type { Lwm2mPath } from "../lwm2m/path.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import type { AlarmStatus, Severity } from "../platform/platform.ts";

/** A number of a measurement. */
export interface SeriesValue {
  /** Finite. */
  readonly value: number;
  /** For people, `°C`. */
  readonly unit?: string;
}

/** What shall become of a value. Applied in one place (mapping/apply-effects.ts), in the order given. */
export type Effect =
  | {
      readonly kind: "measurement";
      readonly type: string;
      readonly atMs: number;
      /** fragment -> series -> value */
      readonly series: Readonly<Record<string, Readonly<Record<string, SeriesValue>>>>;
      /** Further top-level properties of the measurement. */
      readonly properties?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "event";
      readonly type: string;
      readonly text: string;
      readonly atMs: number;
      readonly properties?: Readonly<Record<string, unknown>>;
    }
  | {
      /** CLEARED clears the open alarm of that type and makes none. */
      readonly kind: "alarm";
      readonly type: string;
      readonly text: string;
      readonly severity: Severity;
      readonly status: AlarmStatus;
      readonly atMs: number;
      readonly properties?: Readonly<Record<string, unknown>>;
    }
  | {
      /** Sets properties of the device's managed object. Keys are dotted paths: `c8y_Hardware.model` leaves `c8y_Hardware.revision` alone. */
      readonly kind: "inventory";
      readonly set: Readonly<Record<string, unknown>>;
    }
  | {
      /**
       * Last known value of a resource (objects view). With three ids it replaces what was known; the value of a multi-instance
       * resource is a map by instance id. With four ids it replaces one entry of that map.
       */
      readonly kind: "lastValue";
      readonly path: Lwm2mPath;
      readonly value: unknown;
      readonly atMs: number;
    }
  | {
      /** Keep the raw bytes, then run the decoder. */
      readonly kind: "decode";
      readonly decoder: string;
      readonly value: ResourceValue;
      readonly atMs: number;
    };

/** What a plugin sees of a device. */
export interface DeviceView {
  /** Managed object id. */
  readonly id: string;
  readonly tenant: string;
  /** LwM2M endpoint name. */
  readonly endpoint: string;
  readonly name: string;
  /** Fragments asked for by `deviceFragments`; absent where the device has none. */
  readonly fragments: Readonly<Record<string, unknown>>;
}

/** One value of one message, for an action. */
export interface ActionInput {
  readonly value: ResourceValue;
  /** Time of the value, already chosen by the rules for source time stamps (agent specification 16.3). */
  readonly atMs: number;
  readonly device: DeviceView;
  /** What the object file says of the resource; undefined where the host has none. */
  readonly resource: ResourceModel | undefined;
}

/** Named `group:verb` (`connectivity:updateRssi`) or `group`; configured as `customAction.actionName` of a resource. */
export interface MappingAction {
  readonly name: string;
  /** Further names under which a resource may configure it; not shown in lists. */
  readonly aliases?: readonly string[];
  /** Managed object fragments that `device.fragments` shall hold. */
  readonly deviceFragments?: readonly string[];
  /** What it throws is told, and keeps nothing from other actions. */
  run(input: ActionInput): readonly Effect[];
}

/** What one message says of one object instance, for a default handler. */
export interface InstanceInput {
  readonly objectId: number;
  readonly instanceId: number;
  /** Values of this object instance in this message, in order. */
  readonly values: readonly ResourceValue[];
  /** By resource id: the value in this message, else the last known one of those in `resources`. */
  value(resourceId: number): ResourceValue["value"] | undefined;
  readonly atMs: number;
  readonly device: DeviceView;
}

/**
 * Runs once per message and object instance, without any mapping (agent specification 1.1), unless the device disables it.
 * A message that holds several times of one resource counts as one message per time.
 */
export interface DefaultHandler {
  readonly objectId: number;
  /** Runs only when the message holds one of these. */
  readonly resources: readonly number[];
  /** Whether earlier values of `resources` shall be looked up when the message lacks some. */
  readonly needsLastValues?: boolean;
  /** As of an action. */
  readonly deviceFragments?: readonly string[];
  run(input: InstanceInput): readonly Effect[];
}
