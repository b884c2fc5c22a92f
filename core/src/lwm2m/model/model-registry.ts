/**
 * Object models in force, by tenant, object id and version. A tenant sees its own, then those of the management tenant,
 * then the built-in ones (agent specification 1).
 */
import { compareVersions } from "../version.ts";
import { CORE_OBJECTS } from "./core-objects/core-objects.ts";
import type { ModelView, ObjectModel } from "./object-model.ts";

export interface ModelRegistry {
  /** Adds models to a tenant; one of the same object and version is replaced. */
  put(tenant: string, models: readonly ObjectModel[]): void;
  /** Takes a tenant's own models of an object away, of one version or of all. */
  remove(tenant: string, objectId: number, version?: string): void;
  /**
   * The model that serves a tenant's device.
   * @param version as registered; undefined where the device names none: the newest 1.x for the core objects 0..7, whose
   *                version follows the enabler's, 1.0 for others (LwM2M Core 1.1.1 section 7.2.2). Where that version
   *                is missing: the newest minor of the same major, then the newest at all.
   */
  find(tenant: string, objectId: number, version?: string): ObjectModel | undefined;
  /**
   * Models for a device, by the object versions of its registration. Views are live: they follow `put` and `remove`; those
   * of equal version sets are one and the same object.
   */
  view(tenant: string, versions: ReadonlyMap<number, string>): ModelView;
}

/** Versions by object id. */
type Shelf = Map<number, Map<string, ObjectModel>>;

const LAST_CORE_OBJECT = 7;
/** Views kept for sharing; devices invent no more version sets than that unless they mean harm. */
const LARGEST_VIEW_CACHE = 10_000;

function shelve(shelf: Shelf, models: readonly ObjectModel[]): void {
  for (const model of models) {
    const versions = shelf.get(model.id) ?? new Map<string, ObjectModel>();
    shelf.set(model.id, versions.set(model.version, model));
  }
}

const newest = (models: readonly ObjectModel[]): ObjectModel | undefined =>
  models.reduce<ObjectModel | undefined>(
    (best, model) => (best && compareVersions(best.version, model.version) >= 0 ? best : model),
    undefined,
  );

const majorOf = (version: string): string => version.split(".", 1)[0]!;

/** The first answer that a shelf in the order of precedence gives. */
function first<T>(shelves: readonly Shelf[], ask: (shelf: Shelf) => T | undefined): T | undefined {
  for (const shelf of shelves) {
    const answer = ask(shelf);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function resolve(shelves: readonly Shelf[], objectId: number, stated: string | undefined): ObjectModel | undefined {
  const wanted = stated ?? (objectId <= LAST_CORE_OBJECT ? undefined : "1.0");
  const major = majorOf(wanted ?? "1.0");
  const ofObject = (shelf: Shelf): ObjectModel[] => [...(shelf.get(objectId)?.values() ?? [])];
  return (
    (wanted === undefined ? undefined : first(shelves, shelf => shelf.get(objectId)?.get(wanted))) ??
    first(shelves, shelf => newest(ofObject(shelf).filter(({ version }) => majorOf(version) === major))) ??
    first(shelves, shelf => newest(ofObject(shelf)))
  );
}

const keyOf = (tenant: string, versions: ReadonlyMap<number, string>): string =>
  JSON.stringify([tenant, [...versions].sort(([a], [b]) => a - b)]);

/** @param parts.builtIn models for everybody, last in precedence */
export function createModelRegistry(parts: {
  readonly managementTenant: string;
  readonly builtIn?: readonly ObjectModel[];
}): ModelRegistry {
  const { managementTenant, builtIn = CORE_OBJECTS } = parts;
  const common: Shelf = new Map();
  shelve(common, builtIn);
  const tenants = new Map<string, Shelf>();
  const views = new Map<string, ModelView>();
  let generation = 0;

  const shelvesOf = (tenant: string): Shelf[] =>
    [...new Set([tenant, managementTenant])].flatMap(name => tenants.get(name) ?? []).concat(common);

  const find = (tenant: string, objectId: number, version?: string): ObjectModel | undefined =>
    resolve(shelvesOf(tenant), objectId, version);

  function createView(tenant: string, versions: ReadonlyMap<number, string>): ModelView {
    const found = new Map<number, ObjectModel | undefined>();
    let foundIn = generation;
    const object = (objectId: number): ObjectModel | undefined => {
      if (foundIn !== generation) found.clear();
      foundIn = generation;
      if (!found.has(objectId)) found.set(objectId, find(tenant, objectId, versions.get(objectId)));
      return found.get(objectId);
    };
    return { object, resource: (objectId, resourceId) => object(objectId)?.resources[resourceId] };
  }

  return {
    find,
    put(tenant, models) {
      const shelf: Shelf = tenants.get(tenant) ?? new Map();
      tenants.set(tenant, shelf);
      shelve(shelf, models);
      generation += 1;
    },
    remove(tenant, objectId, version) {
      const shelf = tenants.get(tenant);
      if (version === undefined) shelf?.delete(objectId);
      else shelf?.get(objectId)?.delete(version);
      generation += 1;
    },
    view(tenant, versions) {
      const key = keyOf(tenant, versions);
      const shared = views.get(key);
      if (shared) return shared;
      if (views.size >= LARGEST_VIEW_CACHE) views.clear();
      const view = createView(tenant, new Map(versions));
      views.set(key, view);
      return view;
    },
  };
}
