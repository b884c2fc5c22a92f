/** A plugin host of parts that do nothing by themselves; a test gives those that it looks at. */
import { createManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createActionRegistry } from "../../src/mapping/action-registry.ts";
import { createPublishers } from "../../src/mapping/publishers.ts";
import { createFigures } from "../../src/plugin-host/figures.ts";
import type { PluginHostParts } from "../../src/plugin-host/host.ts";

export function pluginHostParts(over: Partial<PluginHostParts> = {}): PluginHostParts {
  const { log = silentLog } = over;
  return {
    registry: createActionRegistry(),
    publishers: createPublishers(log),
    figures: createFigures(),
    clock: createManualClock(),
    log,
    optionsOf: () => undefined,
    ...over,
  };
}
