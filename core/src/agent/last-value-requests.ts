/**
 * Requests to devices that keep the last values true: what a device took is its value now; what it has no more is forgotten where the device is
 * set so (agent specification 11.3). Values that it answers with or sends go up by themselves.
 */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ModelView } from "../lwm2m/model/object-model.ts";
import type { DeviceRequests, DiscoverAnswer } from "../lwm2m/operations/requests.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { ResourceValue } from "../lwm2m/resource-value.ts";
import { keepableValues } from "../mapping/keepable-values.ts";
import { lastValueEffects } from "../mapping/last-values.ts";
import type { Uplink } from "../mapping/uplink.ts";
import { type LastValue, lastValueOps, lastValueRemovalOp } from "../platform/last-values.ts";
import type { Platform } from "../platform/platform.ts";
import type { WriteOp } from "../store/store.ts";
import { isGone, isGoneComposite, missingFrom, retainsOldValues } from "./stale-values.ts";

export interface LastValueParts {
  readonly platform: Pick<Platform, "inventory" | "write">;
  /** What the device said before is stored first, and what it says next afterwards. */
  readonly inTurn: Uplink["inTurn"];
  readonly clock: Clock;
  readonly log: Log;
  models(registration: Registration): ModelView;
}

export function withLastValues(requests: DeviceRequests, parts: LastValueParts): DeviceRequests {
  const { platform, clock, log, models } = parts;

  /** The device has answered: what fails here is no failure of the request. */
  async function attempt(
    { endpoint, deviceId }: Registration,
    change: () => Promise<readonly WriteOp[]>,
  ): Promise<void> {
    try {
      await parts.inTurn(deviceId, async () => {
        const ops = await change();
        if (ops.length > 0) await platform.write(ops);
      });
    } catch (error) {
      log.warn("lastValues.not-kept", { endpoint, reason: messageOf(error) });
    }
  }

  async function forgets({ tenant, deviceId }: Registration): Promise<boolean> {
    const object = await platform.inventory.findCached(tenant, deviceId);
    return object !== undefined && !retainsOldValues(object.fragments);
  }

  /** @param areGone whether the answer says so */
  const maybeForget = (registration: Registration, paths: readonly Lwm2mPath[], areGone: boolean): Promise<void> =>
    attempt(registration, async () => {
      const stale = paths.filter(({ length }) => length > 0);
      if (!areGone || !(await forgets(registration))) return [];
      log.info("lastValues.forgotten", { endpoint: registration.endpoint, paths: stale.map(formatPath) });
      return stale.map(path => lastValueRemovalOp(registration.deviceId, path));
    });

  const written = (registration: Registration, values: readonly ResourceValue[], path: Lwm2mPath, isWhole: boolean) =>
    attempt(registration, async () => {
      const view = models(registration);
      const isShown = ({ path: [object, , resource] }: ResourceValue): boolean =>
        view.resource(object!, resource!)?.operations.includes("R") ?? true;
      const shown = keepableValues(values).filter(isShown);
      const atMs = shown.map(() => clock.now());
      const effects = lastValueEffects({
        values: shown,
        atMs,
        requestPath: path,
        compositePaths: undefined,
        fullRead: isWhole,
      });
      return lastValueOps(registration.tenant, registration.deviceId, effects);
    });

  /** Of what cannot be read, a Discover alone tells that it is there. */
  function unreadable(registration: Registration, { links }: DiscoverAnswer): LastValue[] {
    const view = models(registration);
    return links.flatMap(({ path }) => {
      const model = path.length === 3 ? view.resource(path[0]!, path[2]!) : undefined;
      return model && !model.operations.includes("R") ? [{ path, value: null, atMs: clock.now() }] : [];
    });
  }

  const discovered = (registration: Registration, path: Lwm2mPath, answer: DiscoverAnswer): Promise<void> =>
    attempt(registration, async () => {
      const { tenant, deviceId } = registration;
      const seen = lastValueOps(tenant, deviceId, unreadable(registration, answer));
      if (path.length === 0 || !(await forgets(registration))) return seen;
      const known = await platform.inventory.lastValuesOf(tenant, deviceId, path[0]!);
      const missing = missingFrom(path, answer.links, known);
      if (missing.length > 0) {
        log.info("lastValues.forgotten", { endpoint: registration.endpoint, paths: missing.map(formatPath) });
      }
      return [...missing.map(each => lastValueRemovalOp(deviceId, each)), ...seen];
    });

  return {
    ...requests,
    async read(registration, path, options) {
      const answer = await requests.read(registration, path, options);
      if (!answer.ok) await maybeForget(registration, [path], isGone(answer.code));
      return answer;
    },
    async readComposite(registration, paths, options) {
      const answer = await requests.readComposite(registration, paths, options);
      if (!answer.ok) await maybeForget(registration, paths, isGoneComposite(answer.code));
      return answer;
    },
    async observe(registration, path, options) {
      const answer = await requests.observe(registration, path, options);
      if (!answer.ok) await maybeForget(registration, [path], isGone(answer.code));
      return answer;
    },
    async write(registration, path, values, options) {
      const answer = await requests.write(registration, path, values, options);
      if (answer.ok) await written(registration, values, path, options?.mode !== "partial");
      else await maybeForget(registration, [path], isGone(answer.code));
      return answer;
    },
    async writeComposite(registration, values, options) {
      const answer = await requests.writeComposite(registration, values, options);
      const paths = values.map(({ path }) => path);
      if (answer.ok) await written(registration, values, [], false);
      else await maybeForget(registration, paths, isGoneComposite(answer.code));
      return answer;
    },
    async create(registration, objectId, values, options) {
      const answer = await requests.create(registration, objectId, values, options);
      const { ok, path: instance } = answer;
      if (!ok || !instance) return answer;
      const made = values.map(value => ({ ...value, path: [...instance, ...value.path.slice(2)] }));
      await written(registration, made, instance, true);
      return answer;
    },
    async delete(registration, path, options) {
      const answer = await requests.delete(registration, path, options);
      await maybeForget(registration, [path], answer.ok);
      return answer;
    },
    async discover(registration, path, options) {
      const answer = await requests.discover(registration, path, options);
      if (answer.ok) await discovered(registration, path, answer);
      return answer;
    },
  };
}
