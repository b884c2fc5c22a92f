/** Objects 0 to 7 of the LwM2M standards in our own words, so that a host works before any DDF is uploaded. */
import type { ObjectModel } from "../object-model.ts";
import { accessControl } from "./access-control.ts";
import { connectivityMonitoring } from "./connectivity-monitoring.ts";
import { connectivityStatistics } from "./connectivity-statistics.ts";
import { modelsOf } from "./define.ts";
import { device } from "./device.ts";
import { firmwareUpdate } from "./firmware-update.ts";
import { location } from "./location.ts";
import { security } from "./security.ts";
import { server } from "./server.ts";

/** All versions, kept apart; by object, then version, oldest first. */
export const CORE_OBJECTS: readonly ObjectModel[] = [
  security,
  server,
  accessControl,
  device,
  connectivityMonitoring,
  firmwareUpdate,
  location,
  connectivityStatistics,
].flatMap(modelsOf);
