/** Reads and Observes whose values also go up: all values take the same way, however they were asked for (agent specification 8.5). */
import type { Clock } from "../../base/clock.ts";
import { type Random, urlSafeId } from "../../base/random.ts";
import { type ObservationTarget, onePath, pathSet } from "../observation/observation-target.ts";
import type { DeviceRequests, ObserveAnswer, ValuesAnswer } from "../operations/requests.ts";
import type { Registration } from "../registration/registration.ts";
import type { ValueBatch, ValueSource } from "./value-batch.ts";

export interface ReportingParts {
  readonly requests: DeviceRequests;
  readonly clock: Clock;
  readonly random: Random;
  values(batch: ValueBatch): Promise<void>;
}

/** An answer was asked for once and is never repeated: a fresh name will do. */
const KEY_LENGTH = 12;

export function withReports({ requests, clock, random, values }: ReportingParts): DeviceRequests {
  async function report(
    registration: Registration,
    { path: requestPath, paths: compositePaths }: ObservationTarget,
    source: ValueSource,
    answer: ValuesAnswer,
  ): Promise<void> {
    if (answer.values.length === 0) return;
    const messageKey = `${registration.id}/${urlSafeId(random, KEY_LENGTH)}`;
    await values({
      registration,
      values: answer.values,
      source,
      messageKey,
      requestPath,
      compositePaths,
      receivedAtMs: clock.now(),
    });
  }

  async function read(
    registration: Registration,
    target: ObservationTarget,
    ask: () => Promise<ValuesAnswer>,
  ): Promise<ValuesAnswer> {
    const answer = await ask();
    await report(registration, target, "READ_RESPONSE", answer);
    return answer;
  }

  /** The answer goes up at once, and what the device notifies of meanwhile, which is newer, when the answer has. */
  async function observe(
    registration: Registration,
    target: ObservationTarget,
    ask: (offerAfter: Promise<void>) => Promise<ObserveAnswer>,
  ): Promise<ObserveAnswer> {
    const { promise, resolve } = Promise.withResolvers<void>();
    try {
      const answer = await ask(promise);
      await Promise.all([report(registration, target, "OBSERVATION_RESPONSE", answer), answer.saved]);
      return answer;
    } finally {
      resolve();
    }
  }

  return {
    ...requests,
    read: (registration, path, options) =>
      read(registration, onePath(path), () => requests.read(registration, path, options)),
    observe: (registration, path, options) =>
      observe(registration, onePath(path), offerAfter =>
        requests.observe(registration, path, { ...options, offerAfter }),
      ),
    readComposite: (registration, paths, options) =>
      read(registration, pathSet(paths), () => requests.readComposite(registration, paths, options)),
    observeComposite: (registration, paths, options) =>
      observe(registration, pathSet(paths), offerAfter =>
        requests.observeComposite(registration, paths, { ...options, offerAfter }),
      ),
  };
}
