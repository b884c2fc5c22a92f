/** What a simulated device holds: objects, instances, resources, with values that its owner moves. */

export type ResourceValue = string | number | boolean | Uint8Array;

export type ResourceType = "string" | "integer" | "float" | "boolean" | "opaque" | "time";

export interface SimulatedResource {
  readonly type: ResourceType;
  /** Values by resource instance for a multiple resource. Times are seconds since 1970. Absent: only executable. */
  value?: ResourceValue | ReadonlyMap<number, ResourceValue>;
  readonly writable?: boolean;
  /** Called by Execute with the text of its arguments. */
  execute?(args: string): void;
}

/** Resources by id. */
export type SimulatedInstance = Map<number, SimulatedResource>;
/** Instances by id. */
export type SimulatedObject = Map<number, SimulatedInstance>;
/** Objects by id. */
export type SimulatedObjects = Map<number, SimulatedObject>;

export type Path = readonly number[];

/** `/3303/0/5700` or `/` to numbers; undefined where a segment is not a number from 0 to 65534. */
export function parsePath(text: string): Path | undefined {
  const segments = text.split("/").filter(segment => segment !== "");
  const ids = segments.map(Number);
  return ids.every(id => Number.isInteger(id) && id >= 0 && id < 65_535) ? ids : undefined;
}

export const pathText = (path: Path): string => `/${path.join("/")}`;

/** Whether a change of `changed` is seen by an observer of `observed`. */
export const covers = (observed: Path, changed: Path): boolean => observed.every((id, at) => changed[at] === id);

export function findResource(objects: SimulatedObjects, path: Path): SimulatedResource | undefined {
  const [object, instance, resource] = path;
  if (object === undefined || instance === undefined || resource === undefined) return undefined;
  return objects.get(object)?.get(instance)?.get(resource);
}

/** Links of Register and Update (RFC 6690): instances, or the object where it has none; Security (0) is never told. */
export function registrationLinks(objects: SimulatedObjects, version: "1.0" | "1.1"): string {
  const root = version === "1.0" ? '</>;rt="oma.lwm2m";ct=11542' : '</>;rt="oma.lwm2m";ct="11542"';
  const links = [root];
  for (const [object, instances] of objects) {
    if (object === 0) continue;
    if (instances.size === 0) links.push(`</${object}>`);
    for (const instance of instances.keys()) links.push(`</${object}/${instance}>`);
  }
  return links.join(",");
}

/** Answer to Discover: what exists at and below `path` (LwM2M Core 1.1.1 section 6.3.2). */
export function discoverLinks(objects: SimulatedObjects, [object, instance, resource]: Path): string | undefined {
  if (object === undefined) return undefined;
  const instances = objects.get(object);
  if (!instances || (instance !== undefined && !instances.has(instance))) return undefined;
  const links = instance === undefined ? [`</${object}>`] : [];
  for (const [instanceId, resources] of instances) {
    if (instance !== undefined && instance !== instanceId) continue;
    if (resource === undefined) links.push(`</${object}/${instanceId}>`);
    for (const [resourceId, { value }] of resources) {
      if (resource !== undefined && resource !== resourceId) continue;
      const dimension = value instanceof Map ? `;dim=${value.size}` : "";
      links.push(`</${object}/${instanceId}/${resourceId}>${dimension}`);
    }
  }
  return links.length > 0 ? links.join(",") : undefined;
}
