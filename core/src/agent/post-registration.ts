/**
 * Commands that every device of a tenant gets after a full registration (agent specification 13). Each line becomes an operation of the
 * device that goes before its pending ones; a device that registers again before it did them gets no second set.
 */
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Fragments, ManagedObject, Operation, Platform } from "../platform/platform.ts";
import { linesOf, parseCommand } from "./shell/parse-command.ts";
import { placeOf } from "./shell/words.ts";

export interface PostRegistrationOptions {
  readonly id: string;
  readonly type: string;
  /** Lines. */
  readonly commands: string;
}

export interface PostRegistrationParts {
  readonly platform: Pick<Platform, "inventory" | "identity" | "operations">;
  /** Whether those of an earlier registration are still to be done. */
  isPending(registration: Registration): boolean;
  /** Does what is to be done, the new ones included; resolves when the device has done all it can do now. */
  execute(registration: Registration, created: readonly Operation[]): Promise<void>;
}

export interface PostRegistration {
  get(tenant: string): Promise<PostRegistrationOptions>;
  /** @param body `{"commands": text or array of lines}`, unchecked. @throws MooringError VALIDATION naming the line */
  set(tenant: string, body: unknown): Promise<PostRegistrationOptions>;
  /** After a full registration. Resolves when the device has done all it can do now. */
  run(registration: Registration): Promise<void>;
  /** An object of the inventory was changed or deleted by somebody. */
  changed(tenant: string, object: ManagedObject): void;
}

const TYPE = "lwm2m_post_registration";
const EXTERNAL_ID = { type: TYPE, externalId: "options" } as const;
const OWNER = "lwm2m-agent";
/** Marks the operations. */
const FRAGMENT = "c8y_LWM2MPostRegistration";
const MOST_LINES = 100;

export const isPostRegistration = ({ fragments }: Operation): boolean => Object.hasOwn(fragments, FRAGMENT);

const invalid = (rule: string, place: Fragments = {}): MooringError =>
  new MooringError("VALIDATION", `commands ${rule}`, { field: "commands", rule, ...place });

/** @throws MooringError VALIDATION */
function readCommands(body: unknown): readonly string[] {
  const commands = typeof body === "object" && body !== null ? (body as { commands?: unknown }).commands : undefined;
  const isLines = Array.isArray(commands) && commands.every(line => typeof line === "string");
  if (typeof commands !== "string" && !isLines) throw invalid("must be text of lines, or an array of them");
  const lines = linesOf(typeof commands === "string" ? commands : commands.join("\n"));
  if (lines.length > MOST_LINES) throw invalid(`must have at most ${MOST_LINES} lines`);
  for (const [i, line] of lines.entries()) {
    try {
      parseCommand(line);
    } catch (error) {
      if (!isFailure(error)) throw error;
      throw invalid(`line ${i + 1}: ${messageOf(error)}`, { line: i + 1, ...placeOf(error) });
    }
  }
  return lines;
}

export function createPostRegistration(parts: PostRegistrationParts): PostRegistration {
  const { inventory, identity, operations } = parts.platform;
  /** By tenant, as they were read; forgotten when somebody changes the object. */
  const known = new Map<string, Promise<readonly string[]>>();

  async function find(tenant: string): Promise<ManagedObject | undefined> {
    const bound = await identity.find(tenant, EXTERNAL_ID.type, EXTERNAL_ID.externalId);
    return bound && inventory.find(tenant, bound.managedObjectId);
  }

  const textOf = (object: ManagedObject | undefined): string => {
    const commands = object?.fragments["commands"];
    return typeof commands === "string" ? commands : "";
  };
  const shown = (object: ManagedObject): PostRegistrationOptions => ({
    id: object.id,
    type: TYPE,
    commands: textOf(object),
  });

  async function make(tenant: string, commands: string): Promise<ManagedObject> {
    try {
      const body = { name: "LWM2M commands after registration", type: TYPE, commands };
      return await inventory.create(tenant, body, { owner: OWNER, externalIds: [EXTERNAL_ID] });
    } catch (error) {
      // Somebody else made it in between.
      const made = isFailure(error, "DUPLICATE") ? await find(tenant) : undefined;
      if (made) return made;
      throw error;
    }
  }

  function commandsOf(tenant: string): Promise<readonly string[]> {
    const commands = known.get(tenant) ?? find(tenant).then(object => linesOf(textOf(object)));
    known.set(tenant, commands);
    commands.catch(() => known.delete(tenant));
    return commands;
  }

  const operationOf = (deviceId: string, text: string) => ({
    deviceId,
    description: `Execute shell command: ${text}`,
    c8y_Command: { text },
    [FRAGMENT]: {},
  });

  return {
    get: async tenant => shown((await find(tenant)) ?? (await make(tenant, ""))),

    async set(tenant, body) {
      const commands = readCommands(body).join("\n");
      const object = (await find(tenant)) ?? (await make(tenant, commands));
      const isSet = textOf(object) === commands;
      return shown(isSet ? object : await inventory.update(tenant, object.id, { commands }));
    },

    async run(registration) {
      const { tenant, deviceId } = registration;
      const commands = await commandsOf(tenant);
      if (commands.length === 0) return;
      const created: Operation[] = [];
      if (!parts.isPending(registration)) {
        for (const text of commands) created.push(await operations.create(tenant, operationOf(deviceId, text)));
      }
      await parts.execute(registration, created);
    },

    changed(tenant, { type }) {
      if (type === TYPE) known.delete(tenant);
    },
  };
}
