/** The object models in force for a registration, found without work on the way of the data. */
import { statedVersions } from "../codecs/link-format.ts";
import type { ModelRegistry } from "../model/model-registry.ts";
import type { ModelView } from "../model/object-model.ts";
import type { Registration } from "../registration/registration.ts";

/** Devices with equal links share one list of them, so its identity is the key; views follow later uploads by themselves. */
export function createModelViews(
  models: ModelRegistry,
): (registration: Pick<Registration, "tenant" | "objectLinks">) => ModelView {
  const known = new WeakMap<Registration["objectLinks"], Map<string, ModelView>>();
  return ({ objectLinks, tenant }) => {
    const views = known.get(objectLinks) ?? new Map<string, ModelView>();
    known.set(objectLinks, views);
    const view = views.get(tenant) ?? models.view(tenant, statedVersions(objectLinks));
    views.set(tenant, view);
    return view;
  };
}
