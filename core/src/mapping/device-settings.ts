/** The settings of a device that steer the mapping: top-level fragments of its managed object (agent specification 4.1). */
import type { Fragments } from "../platform/platform.ts";

export interface MappingSettings {
  /** Values keep their own time instead of the time of receipt (agent specification 16.3). */
  readonly sourceTimes: boolean;
  /** Whether default handlers run (agent specification 1.1). */
  readonly defaultHandlers: boolean;
}

export const mappingSettings = (fragments: Fragments): MappingSettings => ({
  sourceTimes: fragments["enableResourceLevelTimestamp"] === true,
  // The registration names it in two ways, by REST and by CSV (agent specification 3.3).
  defaultHandlers:
    fragments["disableObjectInstanceActions"] !== true && fragments["disableInternalObjectInstanceActions"] !== true,
});
