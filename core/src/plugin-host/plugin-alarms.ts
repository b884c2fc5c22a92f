/** An alarm for each plugin that failed, at its start or too often, at the connector device of the operator's tenant. */
import type { Clock } from "../base/clock.ts";
import { isFailure, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Platform } from "../platform/platform.ts";

export interface PluginAlarms {
  /** Never rejects: a store that cannot keep an alarm keeps no plugin from ending. */
  raise(plugin: string, text: string): Promise<void>;
  clear(plugin: string): Promise<void>;
}

export interface PluginAlarmsParts {
  readonly alarms: Pick<Platform["alarms"], "create" | "updateMatching">;
  readonly clock: Clock;
  readonly log: Log;
  readonly tenant: string;
  /** The managed object that alarms of the tenant's agent stand at; `find` makes none. */
  readonly alarmSource: {
    ensure(tenant: string): Promise<string>;
    find(tenant: string): Promise<string | undefined>;
  };
}

const alarmType = (plugin: string): string => `c8y_LWM2MPluginFailure_${plugin}`;

export function createPluginAlarms({ alarms, clock, log, tenant, alarmSource }: PluginAlarmsParts): PluginAlarms {
  async function attempt(plugin: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isFailure(error, "CLOSED")) log.error("plugin.alarmFailed", { plugin, error: messageOf(error) });
    }
  }
  return {
    raise: (plugin, text) =>
      attempt(plugin, async () =>
        alarms.create(tenant, {
          source: { id: await alarmSource.ensure(tenant) },
          type: alarmType(plugin),
          severity: "MAJOR",
          text: text.slice(0, 1000),
          time: new Date(clock.now()).toISOString(),
        }),
      ),
    clear: plugin =>
      attempt(plugin, async () => {
        const sourceId = await alarmSource.find(tenant);
        if (sourceId === undefined) return;
        await alarms.updateMatching(tenant, { sourceId, types: [alarmType(plugin)] }, { status: "CLEARED" });
      }),
  };
}
