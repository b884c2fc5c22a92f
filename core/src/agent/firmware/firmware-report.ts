/** Firmware updates of a device as people see them: where each is, since when, and what it waits for. */
import type { FirmwareContext } from "../../lwm2m/firmware/firmware-state.ts";
import type { Operation, OperationStatus } from "../../platform/platform.ts";
import { formatTime } from "../../platform/time.ts";
import { awaited } from "./describe.ts";
import type { FirmwareRun } from "./firmware-run.ts";
import type { TimelineEntry } from "./timeline.ts";
import { detailsOf, type UpdateDetails } from "./update-details.ts";
import { FIRMWARE_FRAGMENT } from "./wanted-firmware.ts";

export interface ShownEntry {
  readonly time: string;
  readonly step: string;
  readonly text: string;
  readonly count?: number;
  readonly lastTime?: string;
}

/** Times are ISO 8601; members that are not known are absent. */
export interface FirmwareUpdateReport {
  readonly operationId: string;
  readonly status: OperationStatus;
  readonly failureReason?: string;
  /** As the operation has it. */
  readonly firmware: unknown;
  /** Absent: it has not begun. */
  readonly step?: string;
  readonly since?: string;
  readonly waitsFor?: string;
  /** What does not fit, while more is waited for. */
  readonly unexpected?: string;
  readonly delivery?: { readonly method: string; readonly protocol?: string };
  /** Of the package, as far as it is known to have arrived. */
  readonly bytes?: number;
  readonly totalBytes?: number;
  /** Oldest first. */
  readonly timeline: readonly ShownEntry[];
}

export interface FirmwareReports {
  readonly device: {
    readonly registered: boolean;
    /** Whether a request would be sent now. */
    readonly reachable: boolean;
    readonly lastSeen?: string;
  };
  /** Newest first. */
  readonly updates: readonly FirmwareUpdateReport[];
}

const shownEntry = ({ atMs, step, text, count, lastMs }: TimelineEntry): ShownEntry => ({
  time: formatTime(atMs),
  step,
  text,
  ...(count !== undefined && { count }),
  ...(lastMs !== undefined && { lastTime: formatTime(lastMs) }),
});

function bytesOf(
  details: UpdateDetails,
  run: FirmwareRun | undefined,
): Pick<FirmwareUpdateReport, "bytes" | "totalBytes"> {
  if (run?.bytes) return { bytes: run.bytes.done, totalBytes: run.bytes.total };
  return details.totalBytes === undefined ? {} : { totalBytes: details.totalBytes };
}

/** @param run that works on it */
export function reportOf(
  operation: Operation,
  run: FirmwareRun | undefined,
  context: Pick<FirmwareContext, "settings">,
): FirmwareUpdateReport {
  const { id: operationId, status, failureReason, fragments } = operation;
  const firmware = fragments[FIRMWARE_FRAGMENT];
  const about = { operationId, status, ...(failureReason !== undefined && { failureReason }), firmware };
  const details = run?.details ?? detailsOf(operation);
  if (!details) return { ...about, timeline: [] };
  const { state, sinceMs, timeline } = details;
  const waitsFor = run ? awaited(state, context) : status === "PENDING" ? "the update before it" : undefined;
  return {
    ...about,
    step: state.at,
    since: formatTime(sinceMs),
    ...(waitsFor !== undefined && { waitsFor }),
    ...(state.unexpected !== undefined && { unexpected: state.unexpected }),
    ...(state.delivery && { delivery: state.delivery }),
    ...bytesOf(details, run),
    timeline: timeline.map(shownEntry),
  };
}

export const shownDevice = (
  registered: boolean,
  reachable: boolean,
  lastSeenMs: number | undefined,
): FirmwareReports["device"] => ({
  registered,
  reachable,
  ...(lastSeenMs !== undefined && { lastSeen: formatTime(lastSeenMs) }),
});
