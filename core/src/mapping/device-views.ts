/** What the mapping knows of a device: derived from its managed object once per version of it. */
import type { DeviceView } from "../contract/action.ts";
import type { Fragments, ManagedObject } from "../platform/platform.ts";
import type { ActionRegistry } from "./action-registry.ts";
import { type MappingSettings, mappingSettings } from "./device-settings.ts";

export interface KnownDevice {
  readonly view: DeviceView;
  readonly settings: MappingSettings;
  /** What it says is to be kept as it came, where that is not done of every device. */
  readonly isMarked: boolean;
}

export type DeviceViews = (tenant: string, endpoint: string, object: ManagedObject) => KnownDevice;

/** A member of the managed object, such as a person sets. */
export const isMarked = ({ fragments }: Pick<ManagedObject, "fragments">): boolean =>
  fragments["keepValueHistory"] === true;

function pick(fragments: Fragments, names: readonly string[]): Fragments {
  const picked: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(fragments, name)) picked[name] = fragments[name];
  return picked;
}

/** Managed objects are values: a changed one is another object, so what was derived goes with it. */
export function createDeviceViews(actions: Pick<ActionRegistry, "deviceFragments">): DeviceViews {
  const known = new WeakMap<ManagedObject, KnownDevice & { readonly wanted: readonly string[] }>();
  return (tenant, endpoint, object) => {
    const wanted = actions.deviceFragments;
    const before = known.get(object);
    if (before?.wanted === wanted && before.view.endpoint === endpoint) return before;
    const { id, name = endpoint, fragments } = object;
    const view: DeviceView = { id, tenant, endpoint, name, fragments: pick(fragments, wanted) };
    const device = { view, settings: mappingSettings(fragments), isMarked: isMarked(object), wanted };
    known.set(object, device);
    return device;
  };
}
