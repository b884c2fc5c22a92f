/** How far an update is, as it stands in the details of its operation. */
import { type FirmwareContext, type FirmwareState, hasBegun } from "../../lwm2m/firmware/firmware-state.ts";
import type { Operation } from "../../platform/platform.ts";
import type { JsonObject } from "../../store/collection.ts";
import type { Timeline } from "./timeline.ts";

export interface UpdateDetails {
  readonly state: FirmwareState;
  /** When the step began. */
  readonly sinceMs: number;
  readonly timeline: Timeline;
  /** Where the package comes from: the operation's URL, or the device's. */
  readonly url: string;
  /** Which bytes those are; absent for an external URL. */
  readonly content?: string;
  readonly totalBytes?: number;
  /** Paths whose observation the update began. */
  readonly observed: readonly string[];
}

const MEMBER = "firmware";

/** Undefined: it has not begun. */
export const detailsOf = ({ details }: Pick<Operation, "details">): UpdateDetails | undefined =>
  details?.[MEMBER] as unknown as UpdateDetails | undefined;

export const asDetails = (details: UpdateDetails): JsonObject => ({ [MEMBER]: details as unknown as JsonObject });

/** EXECUTING once the device has answered (agent specification 14.3, step 1). */
export const statusOf = (state: FirmwareState, context: FirmwareContext): "PENDING" | "EXECUTING" =>
  hasBegun(state, context) ? "EXECUTING" : "PENDING";
