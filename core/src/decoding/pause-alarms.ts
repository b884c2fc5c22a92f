/**
 * A decoder that is put off for a whole tenant is told once, at the agent's own device, not at each device whose payloads wait
 * (agent specification 15.3).
 */
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Platform } from "../platform/platform.ts";
import { formatTime } from "../platform/time.ts";
import { createInTurn } from "../tenants/in-turn.ts";
import type { LineName } from "./backlog.ts";
import { failureAlarmType } from "./conclusion.ts";

/** Why a tenant's payloads for a decoder are put off. */
export interface DecoderPause {
  readonly reason: string;
  /** By the wall clock. */
  readonly untilMs: number;
}

export interface PauseAlarmsParts {
  readonly alarms: Pick<Platform["alarms"], "create" | "updateMatching">;
  /** The managed object that alarms of the agent stand at, in each tenant: made where there is none, or only looked for. */
  readonly source: { ensure(tenant: string): Promise<string>; find(tenant: string): Promise<string | undefined> };
  readonly clock: Clock;
  readonly log: Log;
}

/** @returns what the queue tells: a pause that begins, or undefined when the decoder works */
export function createPauseAlarms({
  alarms,
  source,
  clock,
  log,
}: PauseAlarmsParts): (line: LineName, pause: DecoderPause | undefined) => void {
  /** So that the last word stays. */
  const inTurn = createInTurn();

  // A further pause counts the alarm up and leaves its text, so no time stands there.
  const raise = async ({ tenant, decoder }: LineName, { reason }: DecoderPause): Promise<void> => {
    await alarms.create(tenant, {
      source: { id: await source.ensure(tenant) },
      type: failureAlarmType(decoder),
      text: `The decoder ${decoder} is left alone for a while, its payloads wait: ${reason}`,
      severity: "MAJOR",
      status: "ACTIVE",
      time: formatTime(clock.now()),
    });
  };
  const clear = async ({ tenant, decoder }: LineName): Promise<void> => {
    const sourceId = await source.find(tenant);
    const types = [failureAlarmType(decoder)];
    if (sourceId !== undefined) await alarms.updateMatching(tenant, { sourceId, types }, { status: "CLEARED" });
  };
  return (line, pause) => {
    inTurn(() => (pause ? raise(line, pause) : clear(line))).catch((error: unknown) =>
      log.warn("decoder.alarmFailed", { ...line, reason: messageOf(error) }),
    );
  };
}
