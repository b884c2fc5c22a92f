/** Reads and Observes whose values also go up: all values take the same way, however they were asked for (agent specification 8.5). */
import type { Clock } from "../../base/clock.ts";
import { type Random, urlSafeId } from "../../base/random.ts";
import { type ObservationTarget, onePath, pathSet } from "../observation/observation-target.ts";
import type { DeviceRequests, ValuesAnswer } from "../operations/requests.ts";
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
  async function report<T extends ValuesAnswer>(
    registration: Registration,
    { path: requestPath, paths: compositePaths }: ObservationTarget,
    source: ValueSource,
    answer: T,
  ): Promise<T> {
    if (answer.values.length === 0) return answer;
    const messageKey = `${registration.id}/${urlSafeId(random, KEY_LENGTH)}`;
    const receivedAtMs = clock.now();
    const batch = {
      registration,
      values: answer.values,
      source,
      messageKey,
      requestPath,
      compositePaths,
      receivedAtMs,
    };
    await values(batch);
    return answer;
  }
  return {
    ...requests,
    async read(registration, path, options) {
      return report(registration, onePath(path), "READ_RESPONSE", await requests.read(registration, path, options));
    },
    async observe(registration, path, options) {
      const answer = await requests.observe(registration, path, options);
      return report(registration, onePath(path), "OBSERVATION_RESPONSE", answer);
    },
    async readComposite(registration, paths, options) {
      const answer = await requests.readComposite(registration, paths, options);
      return report(registration, pathSet(paths), "READ_RESPONSE", answer);
    },
    async observeComposite(registration, paths, options) {
      const answer = await requests.observeComposite(registration, paths, options);
      return report(registration, pathSet(paths), "OBSERVATION_RESPONSE", answer);
    },
  };
}
