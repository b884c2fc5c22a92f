/** What to observe on a device after it registered (agent specification 7.4, 7.5). */
import type { ObjectLink } from "../lwm2m/codecs/link-format.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";
import type { NotificationAttributes } from "../lwm2m/wire/to-coap.ts";
import type { DeviceProtocol, ObserveParameters, ResourceMapping } from "./device-protocol.ts";
import { isNumeric } from "./schema.ts";

export interface ObservedPath {
  /** Object, instance, resource. */
  readonly path: Lwm2mPath;
  /** To be written before observing, unless empty. */
  readonly attributes: NotificationAttributes;
}

function attributesOf(observe: ObserveParameters, numeric: boolean): NotificationAttributes {
  const { minPeriod: pmin, maxPeriod: pmax, lessThan: lt, greaterThan: gt, step: st } = observe;
  const all = numeric ? { pmin, pmax, lt, gt, st } : { pmin, pmax };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value != null));
}

/** Observing what leads to nothing would only cost the device's battery. */
const leadsToSomething = (mapping: ResourceMapping): boolean =>
  Boolean(mapping.measurementCreation || mapping.alarmCreation || mapping.eventCreation || mapping.customAction);

function ofInstance(instance: Lwm2mPath, { objectModel, resourceMappings }: DeviceProtocol): ObservedPath[] {
  return Object.values(resourceMappings).flatMap(mapping => {
    const observe = mapping.observeParameters;
    if (!observe?.autoObserve || !leadsToSomething(mapping)) return [];
    const numeric = isNumeric(objectModel.resources[mapping.resourceID]);
    return [{ path: [...instance, mapping.resourceID], attributes: attributesOf(observe, numeric) }];
  });
}

/**
 * @param find        protocol of an object for the device's tenant
 * @param objectLinks of the registration
 * @returns each path once, in the order of the links
 */
export function observedPaths(
  find: (objectId: number) => DeviceProtocol | undefined,
  objectLinks: readonly ObjectLink[],
): ObservedPath[] {
  const instances = new Map(
    objectLinks.filter(({ path }) => path.length === 2).map(({ path }) => [formatPath(path), path]),
  );
  return [...instances.values()].flatMap(path => {
    const protocol = find(path[0]!);
    return protocol ? ofInstance(path, protocol) : [];
  });
}
