/** One command on one device: request, answer, and the text that the operation shows. */

import type { ModelView } from "../lwm2m/model/object-model.ts";
import type { DeviceRequests } from "../lwm2m/operations/requests.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Fragments } from "../platform/platform.ts";
import { readValue } from "./command-value.ts";
import type { Command } from "./commands.ts";
import { linksText, statusText, valuesText } from "./response-text.ts";

export interface CommandOutcome {
  readonly ok: boolean;
  /** First the device's code, then what it sent. */
  readonly result: string;
  /** Why it failed; undefined when it did not. */
  readonly failureReason?: string;
  /** What the operation shows instead of a command with that result. */
  readonly fragments?: Fragments;
}

export interface CommandParts {
  readonly requests: DeviceRequests;
  models(registration: Registration): ModelView;
}

interface Answered {
  readonly ok: boolean;
  readonly code: number;
  readonly text: string | undefined;
}

function outcome(answer: Answered, body?: string): CommandOutcome {
  const status = statusText(answer);
  if (!answer.ok) return { ok: false, result: status, failureReason: status };
  return { ok: true, result: body === undefined ? status : `${status}\n${body}` };
}

/** @throws MooringError as the requests do, VALUE_TYPE before anything is sent */
export async function runCommand(
  { requests, models }: CommandParts,
  registration: Registration,
  command: Command,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { path } = command;
  const options = { signal };
  switch (command.kind) {
    case "read": {
      const answer = await requests.read(registration, path, options);
      return outcome(answer, valuesText(answer.values));
    }
    case "observe": {
      const answer = await requests.observe(registration, path, options);
      const seen = outcome(answer, valuesText(answer.values));
      if (!answer.ok || answer.kept) return seen;
      const failureReason = "the device answered without Observe: the value was used, no observation was established";
      return { ok: false, result: seen.result, failureReason };
    }
    case "discover": {
      const answer = await requests.discover(registration, path, options);
      return outcome(answer, linksText(answer.links));
    }
    case "write": {
      const values = readValue(path, command.value, models(registration));
      return outcome(await requests.write(registration, path, values, options));
    }
    case "execute":
      return outcome(await requests.execute(registration, path, command.args, options));
  }
}
