/**
 * A firmware campaign as states and events. Pure: `campaigns.ts` stores each state, then sends what it allows.
 *
 * A wave goes out; the next one follows when enough of its devices have succeeded and it has stood for as long as the gate says. When
 * too many of a wave fail, the campaign halts and nothing more is sent. Devices that do not answer hold nothing up once enough
 * others have succeeded; their results count when they come, also for a wave that is over.
 */

export type CampaignState = "CREATED" | "RUNNING" | "PAUSED" | "HALTED" | "COMPLETED" | "CANCELLED";

/** What an operator sets. */
export interface CampaignLimits {
  /** Share of a wave that may fail, 0..100: more halts the campaign. */
  readonly maxFailurePercent: number;
  /** The gate between two waves: the share that must have succeeded, 1..100, and the time since the wave began. */
  readonly minSuccessPercent: number;
  readonly minMinutes: number;
}

export interface CampaignProgress {
  readonly state: CampaignState;
  /** The wave that goes out, 0 the first. */
  readonly wave: number;
  /** When that wave began, ms since the epoch; absent before the start. */
  readonly waveStartedMs?: number;
  /** Why it is HALTED. */
  readonly reason?: string;
}

/** Devices of one wave. */
export interface WaveTally {
  readonly waiting: number;
  /** With an operation that has not ended, or waiting to be tried again. */
  readonly open: number;
  readonly successful: number;
  readonly failed: number;
}

export type CampaignEvent =
  | { readonly kind: "start" | "pause" | "resume" | "cancel" }
  /** Something has changed, or time has passed. */
  | { readonly kind: "look" };

const MINUTE_MS = 60_000;

/** From where each event of an operator leads, and where to; everything else is refused. */
const ASKED: Readonly<
  Record<"start" | "pause" | "resume" | "cancel", readonly [from: readonly CampaignState[], to: CampaignState]>
> = {
  start: [["CREATED"], "RUNNING"],
  pause: [["RUNNING"], "PAUSED"],
  resume: [["PAUSED", "HALTED"], "RUNNING"],
  cancel: [["CREATED", "RUNNING", "PAUSED", "HALTED"], "CANCELLED"],
};

export const sizeOf = ({ waiting, open, successful, failed }: WaveTally): number =>
  waiting + open + successful + failed;

const percent = (part: number, whole: number): number => (whole === 0 ? 0 : (100 * part) / whole);

const shown = (share: number): string => `${Math.round(10 * share) / 10} %`;

/** Why a campaign must not go on; undefined: it may. @param tallies of all waves, in order */
export function haltReason(
  { wave }: Pick<CampaignProgress, "wave">,
  { maxFailurePercent, minSuccessPercent }: CampaignLimits,
  tallies: readonly WaveTally[],
): string | undefined {
  for (const [at, tally] of tallies.slice(0, wave + 1).entries()) {
    const { failed } = tally;
    const size = sizeOf(tally);
    const failures = percent(failed, size);
    const said = `${failed} of ${size} devices of wave ${at + 1} failed (${shown(failures)})`;
    if (failures > maxFailurePercent) return `${said}, more than maxFailurePercent ${maxFailurePercent}`;
    if (percent(size - failed, size) < minSuccessPercent && failed > 0) {
      return `${said}: minSuccessPercent ${minSuccessPercent} cannot be reached`;
    }
  }
  return undefined;
}

/** Whether the wave that goes out may be followed by the next. */
function isGateOpen(
  { waveStartedMs = 0 }: CampaignProgress,
  { minSuccessPercent, minMinutes }: CampaignLimits,
  tally: WaveTally,
  nowMs: number,
): boolean {
  if (tally.waiting > 0 || nowMs < waveStartedMs + minMinutes * MINUTE_MS) return false;
  return percent(tally.successful, sizeOf(tally)) >= minSuccessPercent;
}

function look(
  progress: CampaignProgress,
  limits: CampaignLimits,
  tallies: readonly WaveTally[],
  nowMs: number,
): CampaignProgress {
  if (progress.state !== "RUNNING") return progress;
  const reason = haltReason(progress, limits, tallies);
  if (reason !== undefined) return { ...progress, state: "HALTED", reason };
  const isOver = tallies.every(({ waiting, open }) => waiting + open === 0);
  if (isOver) return { ...progress, state: "COMPLETED" };
  const isLast = progress.wave >= tallies.length - 1;
  if (isLast || !isGateOpen(progress, limits, tallies[progress.wave]!, nowMs)) return progress;
  return { ...progress, wave: progress.wave + 1, waveStartedMs: nowMs };
}

/**
 * @param tallies of all waves, in order
 * @returns the progress as it is then, the same where nothing changes; undefined: the event is not for this state
 */
export function stepCampaign(
  progress: CampaignProgress,
  event: CampaignEvent,
  limits: CampaignLimits,
  tallies: readonly WaveTally[],
  nowMs: number,
): CampaignProgress | undefined {
  if (event.kind === "look") return look(progress, limits, tallies, nowMs);
  const [from, state] = ASKED[event.kind];
  if (!from.includes(progress.state)) return undefined;
  const { reason: _reason, ...rest } = progress;
  return { ...rest, state, ...(event.kind === "start" && { waveStartedMs: nowMs }) };
}

/** Update Results of the device that may come out otherwise another time (LwM2M object 5, resource 5): out of memory, connection lost, integrity, deferred. */
export const RETRYABLE_RESULTS: readonly number[] = [3, 4, 5, 11];
