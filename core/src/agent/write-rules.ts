/**
 * Validation rules, enforced (agent specification 12): what is written from the objects view is held against the rules of its resource before
 * anything is sent. A command of the shell passes them by.
 */
import type { Clock } from "../base/clock.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import { type LinkedValues, linksOf, refusalOf } from "../device-protocols/check-value.ts";
import type { DeviceProtocols } from "../device-protocols/device-protocols.ts";
import { type LinkedResource, readRules, type ValidationRules } from "../device-protocols/validation-rules.ts";
import type { ModelView } from "../lwm2m/model/object-model.ts";
import type { DeviceRequests } from "../lwm2m/operations/requests.ts";
import { formatPath } from "../lwm2m/path.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import type { Fragments, Inventory, Operation } from "../platform/platform.ts";
import type { Json } from "../store/collection.ts";

export interface WriteRulesParts {
  readonly protocols: Pick<DeviceProtocols, "find">;
  readonly inventory: Pick<Inventory, "lastValuesOf">;
  readonly clock: Clock;
  models(registration: Registration): ModelView;
}

/** Of all patterns of one command together: they come from people, and hold the process while they are matched. */
const PATTERNS_MS = 200;

/** Operations of the objects view carry the place they were made at (agent specification 11.2). */
export function isFromObjectsView({ fragments }: Operation): boolean {
  const context = fragments["c8y_JsonSchemaContext"];
  return typeof context === "object" && context !== null;
}

interface Ruled {
  readonly value: ResourceValue;
  readonly rules: ValidationRules;
}

const isMap = (value: unknown): value is Readonly<Record<string, Json>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Known values of the linked resource in one object instance. */
function valuesIn(instance: Fragments, { resourceId, resourceInstanceId }: LinkedResource): Json[] {
  const known = instance[String(resourceId)] as Json | undefined;
  const values = isMap(known)
    ? resourceInstanceId === undefined
      ? Object.values(known)
      : [known[String(resourceInstanceId)]]
    : resourceInstanceId === undefined
      ? [known]
      : [];
  return values.filter(value => value !== undefined && value !== null);
}

export function withWriteRules(requests: DeviceRequests, parts: WriteRulesParts): DeviceRequests {
  const { protocols, inventory, clock } = parts;

  function rulesOf(registration: Registration, { path }: ResourceValue): ValidationRules | null {
    const [objectId, , resourceId] = path as readonly [number, number, number];
    const stored = protocols.find(registration.tenant, objectId)?.resourceMappings[resourceId]?.validation;
    const resource = parts.models(registration).resource(objectId, resourceId);
    if (!stored || !resource) return null;
    try {
      return readRules(stored, resource);
    } catch (cause) {
      const why = `the validation rules of resource ${resourceId} of object ${objectId} cannot be used: ${messageOf(cause)}`;
      throw new MooringError("VALIDATION", why, { path: formatPath(path) }, { cause });
    }
  }

  /** What the device's other resources were last known to be, as far as the rules ask for it. */
  async function linkedValues({ tenant, deviceId }: Registration, ruled: readonly Ruled[]): Promise<LinkedValues> {
    const objectIds = new Set(ruled.flatMap(({ rules }) => linksOf(rules).map(({ objectId }) => objectId)));
    const known = new Map<number, readonly Fragments[]>();
    for (const id of objectIds) known.set(id, await inventory.lastValuesOf(tenant, deviceId, id));
    return link =>
      (known.get(link.objectId) ?? []).flatMap(instance =>
        link.instanceId === undefined || link.instanceId === instance["instance"] ? valuesIn(instance, link) : [],
      );
  }

  /** @throws MooringError VALIDATION that says which value broke which rule */
  async function check(registration: Registration, values: readonly ResourceValue[]): Promise<void> {
    const ruled = values.flatMap((value): Ruled[] => {
      const rules = rulesOf(registration, value);
      return rules ? [{ value, rules }] : [];
    });
    if (ruled.length === 0) return;
    const linked = await linkedValues(registration, ruled);
    const untilMs = clock.monotonic() + PATTERNS_MS;
    const checkParts = { linkedValues: linked, patternMs: () => untilMs - clock.monotonic() };
    for (const { value, rules } of ruled) {
      const refusal = refusalOf(rules, value, checkParts);
      if (refusal) throw new MooringError("VALIDATION", refusal, { path: formatPath(value.path) });
    }
  }

  return {
    ...requests,
    async write(registration, path, values, options) {
      await check(registration, values);
      return requests.write(registration, path, values, options);
    },
    async writeComposite(registration, values, options) {
      await check(registration, values);
      return requests.writeComposite(registration, values, options);
    },
  };
}
