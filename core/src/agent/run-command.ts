/** One command on one device: request, answer, and the text that the operation shows. */
import { concatBytes } from "../base/bytes.ts";
import { isFailure, MooringError } from "../base/errors.ts";
import { isSuccess } from "../coap/codes.ts";
import { CONTENT_FORMAT, type ContentFormatName } from "../lwm2m/codecs/codec.ts";
import type { ModelView } from "../lwm2m/model/object-model.ts";
import type { CallOptions, DeviceAnswer, DeviceRequests, ObserveAnswer } from "../lwm2m/operations/requests.ts";
import { formatPath, type Lwm2mPath } from "../lwm2m/path.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Fragments, StoredBinary } from "../platform/platform.ts";
import { type BinaryForm, linksText, rawText, statusText, valuesText } from "./response-text.ts";
import type { CommandOf, DeviceCommand, FirmwareName } from "./shell/command.ts";
import { neededVersion } from "./shell/needed-version.ts";
import { readResources, readSingle, readValue } from "./shell/value.ts";
import { refuse } from "./shell/words.ts";

export interface CommandOutcome {
  readonly ok: boolean;
  /** First the device's code, then what it sent: see response-text.ts. */
  readonly result: string;
  /** Why it failed; undefined when it did not. */
  readonly failureReason?: string;
  /** What the operation shows instead of a command with that result. */
  readonly fragments?: Fragments;
}

export interface CommandParts {
  readonly requests: DeviceRequests;
  models(registration: Registration): ModelView;
  /** A stored file. @throws MooringError NOT_FOUND */
  openBinary(tenant: string, id: string): Promise<StoredBinary>;
  /** Keeps the format of a device's requests; undefined: none is chosen any more. */
  chooseFormat(registration: Registration, format: string | undefined): Promise<void>;
  /** Starts a firmware update. @returns what to tell */
  startFirmware(registration: Registration, firmware: FirmwareName): Promise<string>;
  /** How opaque values are shown. */
  readonly binaryForm: BinaryForm;
  /** Largest stored file that is written at once, bytes. */
  readonly maxFileBytes: number;
}

/** First line of what no device was asked for. */
const NOTHING_SENT = "0.00 Nothing sent";
const FILE_CHUNK_BYTES = 65_536;

const failed = (result: string, failureReason = result): CommandOutcome => ({ ok: false, result, failureReason });

function outcome(answer: Pick<DeviceAnswer, "ok" | "code" | "text">, body?: string): CommandOutcome {
  const status = statusText(answer);
  if (!answer.ok) return failed(status);
  return { ok: true, result: body === undefined ? status : `${status}\n${body}` };
}

const done = (text: string): CommandOutcome => ({ ok: true, result: `${NOTHING_SENT}\n${text}` });

/** @throws MooringError UNSUPPORTED where the device's version of LwM2M has no such command */
function assertKnown({ version }: Registration, command: DeviceCommand): void {
  const needed = neededVersion(command, version);
  if (!needed) return;
  const message = `${needed.what} LwM2M ${needed.version}, the device has ${version}; nothing was sent`;
  throw new MooringError("UNSUPPORTED", message, { version, minimum: needed.version });
}

/** The typed values of a command that writes; none for the others. @throws MooringError VALUE_TYPE, VALIDATION */
function valuesOf(command: DeviceCommand, models: ModelView) {
  switch (command.kind) {
    case "write":
    case "writep":
      return readValue(command, models);
    case "cwrite":
      return command.values.map(each => readSingle(each, models));
    case "create": {
      const { objectId, instanceId, resources, json } = command;
      return readResources(instanceId === undefined ? [objectId] : [objectId, instanceId], json, resources, models);
    }
    default:
      return [];
  }
}

/**
 * What can be told of a command before its device is asked.
 * @throws MooringError UNSUPPORTED, VALUE_TYPE, VALIDATION, with the place of the word where there is one
 */
export function checkCommand(registration: Registration, command: DeviceCommand, models: ModelView): void {
  assertKnown(registration, command);
  valuesOf(command, models);
}

/** @throws MooringError as the requests do; those of {@link checkCommand}, NOT_FOUND and TOO_LARGE before anything is sent */
export async function runCommand(
  parts: CommandParts,
  registration: Registration,
  command: DeviceCommand,
  options: CallOptions,
): Promise<CommandOutcome> {
  const { requests } = parts;
  assertKnown(registration, command);
  const values = valuesOf(command, parts.models(registration));

  switch (command.kind) {
    case "read": {
      const answer = await requests.read(registration, command.path, options);
      return outcome(answer, valuesText(answer.values, parts.binaryForm));
    }
    case "cread": {
      const answer = await requests.readComposite(registration, command.paths, options);
      return outcome(answer, valuesText(answer.values, parts.binaryForm));
    }
    case "observe":
      return observed(await requests.observe(registration, command.path, options), parts.binaryForm);
    case "cobserve":
      return observed(await requests.observeComposite(registration, command.paths, options), parts.binaryForm);
    case "cancelobserve":
      return cancelled([command.path], () =>
        requests.cancelObservation(registration, command.path, "request", options),
      );
    case "cancelobservation":
      return cancelled(command.paths, () => forgetObservation(requests, registration, command.paths));
    case "cancelcompositeobserve":
      return cancelled(command.paths, () => requests.cancelComposite(registration, command.paths, "request", options));
    case "discover": {
      const answer = await requests.discover(registration, command.path, options);
      return outcome(answer, linksText(answer.links));
    }
    case "write":
      return outcome(await requests.write(registration, command.path, values, options));
    case "writep":
      return outcome(await requests.write(registration, command.path, values, { ...options, mode: "partial" }));
    case "cwrite":
      return outcome(await requests.writeComposite(registration, values, options));
    case "writeb": {
      const { path } = command;
      const value = "bytes" in command ? command.bytes : await fileBytes(parts, registration, command);
      const { binaryContentFormat: contentFormat = CONTENT_FORMAT.OPAQUE } = registration.settings;
      const binary = { path, type: "OPAQUE", value } as const;
      return outcome(await requests.write(registration, path, [binary], { ...options, contentFormat }));
    }
    case "execute":
    case "executelegacy":
      return outcome(await requests.execute(registration, command.path, command.args, options));
    case "create":
      return create(requests, registration, command, values, options);
    case "delete":
      return outcome(await requests.delete(registration, command.path, options));
    case "writeattr":
      return writeAttributes(requests, registration, command, options);
    case "coap": {
      const response = await requests.raw(registration, command.request, options);
      const ok = isSuccess(response.code);
      const result = `${statusText({ code: response.code, text: undefined })}\n${rawText(response, parts.binaryForm)}`;
      return ok ? { ok, result } : failed(result, result.split("\n", 1)[0]);
    }
    case "serialization":
      await parts.chooseFormat(registration, command.format);
      return done(formatText(registration, command.format));
    case "fwupdate":
      return done(await parts.startFirmware(registration, command));
  }
}

function observed(answer: ObserveAnswer, form: BinaryForm): CommandOutcome {
  const seen = outcome(answer, valuesText(answer.values, form));
  if (!answer.ok || answer.kept) return seen;
  return failed(seen.result, "the device answered without Observe: the value was used, no observation was established");
}

/** An observation is forgotten with or without an answer: what the device still notifies of it is answered by Reset. */
async function cancelled(
  paths: readonly Lwm2mPath[],
  cancel: () => Promise<DeviceAnswer | undefined>,
): Promise<CommandOutcome> {
  const forgotten = JSON.stringify({ forgotten: paths.map(formatPath) });
  let answer: DeviceAnswer | undefined;
  try {
    answer = await cancel();
  } catch (error) {
    if (!isFailure(error, "EXCHANGE_TIMEOUT", "EXCHANGE_RESET")) throw error;
    return { ok: true, result: `no answer\n${forgotten}` };
  }
  if (answer?.code) return outcome(answer);
  if (answer) return done(forgotten);
  const together = paths.length > 1 ? " together" : "";
  return failed(NOTHING_SENT, `${paths.map(formatPath).join(" ")} is not observed${together}`);
}

/** Without a request; a single path may also be a composite observation of its own. */
async function forgetObservation(
  requests: DeviceRequests,
  registration: Registration,
  paths: readonly Lwm2mPath[],
): Promise<DeviceAnswer | undefined> {
  const [first, ...more] = paths;
  const single =
    more.length === 0 && first!.length > 0
      ? await requests.cancelObservation(registration, first!, "reset")
      : undefined;
  return single ?? (await requests.cancelComposite(registration, paths, "reset"));
}

/** @throws MooringError NOT_FOUND, TOO_LARGE */
async function fileBytes(
  { openBinary, maxFileBytes }: CommandParts,
  { tenant }: Registration,
  { fileId }: Extract<CommandOf<"writeb">, { readonly fileId: unknown }>,
): Promise<Uint8Array> {
  let file: StoredBinary;
  try {
    file = await openBinary(tenant, fileId.text);
  } catch (error) {
    if (!isFailure(error, "NOT_FOUND")) throw error;
    throw refuse(fileId, "is no stored file", "the id of a binary in the inventory", "NOT_FOUND");
  }
  if (file.length > maxFileBytes) {
    throw refuse(fileId, `has ${file.length} bytes`, `at most ${maxFileBytes} are written at once`, "TOO_LARGE");
  }
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < file.length; at += FILE_CHUNK_BYTES) chunks.push(await file.read(at, FILE_CHUNK_BYTES));
  return concatBytes(chunks);
}

/** The least instance that the device did not say it has. */
function freeInstance({ objectLinks }: Registration, objectId: number): number {
  const taken = new Set(objectLinks.filter(({ path }) => path[0] === objectId).map(({ path }) => path[1]));
  let free = 0;
  while (taken.has(free)) free++;
  return free;
}

async function create(
  requests: DeviceRequests,
  registration: Registration,
  { objectId, instanceId: given }: CommandOf<"create">,
  values: ReturnType<typeof valuesOf>,
  options: CallOptions,
): Promise<CommandOutcome> {
  const instanceId = given ?? "any";
  const made = async (id: number | "any", all: typeof values) =>
    requests.create(registration, objectId, all, { ...options, instanceId: id });
  let answer: Awaited<ReturnType<typeof made>>;
  try {
    answer = await made(instanceId, values);
  } catch (error) {
    // Nothing was sent: the formats of this device name the instance of each value, so we have to choose it.
    if (!isFailure(error, "CONTENT_FORMAT_UNSUPPORTED") || instanceId !== "any") throw error;
    const id = freeInstance(registration, objectId);
    const named = values.map(each => ({ ...each, path: [objectId, id, ...each.path.slice(2)] }));
    answer = await made(id, named);
  }
  return outcome(answer, answer.path && JSON.stringify({ [formatPath(answer.path)]: {} }));
}

async function writeAttributes(
  requests: DeviceRequests,
  registration: Registration,
  { path, attributes, cancel }: CommandOf<"writeattr">,
  options: CallOptions,
): Promise<CommandOutcome> {
  if (Object.keys(attributes).length > 0) {
    const answer = await requests.writeAttributes(registration, path, attributes, options);
    if (!answer.ok || !cancel) return outcome(answer);
  }
  // Observe 1 as a way to cancel came with 1.1 for good: a 1.0 device hears it by Reset.
  const how = registration.version === "1.0" ? "reset" : "request";
  return cancelled([path], () => requests.cancelObservation(registration, path, how, options));
}

/** The setting as JSON, and whether it has an effect now. */
function formatText({ contentFormats }: Registration, format: ContentFormatName | undefined): string {
  const isOffered =
    format === undefined || contentFormats.length === 0 || contentFormats.includes(CONTENT_FORMAT[format]);
  return JSON.stringify({ serializationFormat: format ?? null, offeredByDevice: isOffered });
}
