/** The requests of an update (agent specification 14.3): each ask of the machine as exchanges with the device, its answer as an event. */
import type { Clock } from "../../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../../base/errors.ts";
import type { FirmwareDownloads, FirmwareProtocol } from "../../firmware/downloads.ts";
import type { FirmwareSource } from "../../firmware/firmware-source.ts";
import { type Delivery, resetTarget } from "../../lwm2m/firmware/delivery.ts";
import type { FirmwareEvent } from "../../lwm2m/firmware/firmware-machine.ts";
import {
  FIRMWARE,
  FIRMWARE_OBJECT,
  firmwareFacts,
  firmwareReport,
  RESULT,
  STATE,
  VERSION_PATH,
} from "../../lwm2m/firmware/firmware-object.ts";
import {
  type FirmwareAsk,
  type FirmwareContext,
  type FirmwareState,
  isInstalling,
} from "../../lwm2m/firmware/firmware-state.ts";
import { packageBody } from "../../lwm2m/firmware/package-body.ts";
import type { ModelView } from "../../lwm2m/model/object-model.ts";
import { binaryFormat } from "../../lwm2m/operations/format-choice.ts";
import type { DeviceAnswer, DeviceRequests, ValuesAnswer } from "../../lwm2m/operations/requests.ts";
import { formatPath, isBelow, type Lwm2mPath } from "../../lwm2m/path.ts";
import type { Registration } from "../../lwm2m/registration/registration.ts";
import type { ResourceValue } from "../../lwm2m/resource-value.ts";
import { statusText } from "../response-text.ts";
import type { PushPositions } from "./push-positions.ts";

export interface AskParts {
  readonly requests: DeviceRequests;
  readonly downloads: Pick<FirmwareDownloads, "offer">;
  readonly positions: PushPositions;
  readonly clock: Clock;
  /** Size exponent of the largest blocks of a package. */
  readonly blockSzx: number;
  models(registration: Registration): ModelView;
}

/** One ask. */
export interface Asking {
  readonly operationId: string;
  readonly registration: Registration;
  readonly signal: AbortSignal;
  readonly state: FirmwareState;
  readonly context: FirmwareContext;
  /** Opened when the package is delivered. @throws MooringError VALIDATION, NOT_FOUND when it is gone or another one */
  source(): Promise<FirmwareSource>;
  /** An observation that the update began stands. */
  onObserved(path: Lwm2mPath): void;
  /** So many bytes of the body are acknowledged. */
  onBytes(bytes: number, total: number): void;
}

/** Codes that say nothing about the device's answer: it did not come, or could not be kept. */
const NO_ANSWER = [
  "EXCHANGE_TIMEOUT",
  "EXCHANGE_CANCELLED",
  "CLOSED",
  "OVERLOADED",
  "STORE_FULL",
  "STORE_FAILED",
] as const;

/** Instance of object 5 that a device has, the first where there are several; undefined: none. */
export function firmwareInstance({ objectLinks }: Pick<Registration, "objectLinks">): number | undefined {
  const links = objectLinks.filter(({ path }) => path[0] === FIRMWARE_OBJECT);
  return links.length === 0 ? undefined : (links.find(({ path }) => path.length > 1)?.path[1] ?? 0);
}

/** `Write of /5/0/1 was answered 4.00 Bad Request` */
const refusal = (what: string, path: Lwm2mPath, answer: DeviceAnswer): FirmwareEvent => ({
  kind: "refused",
  reason: `${what} of ${formatPath(path)} was answered ${statusText(answer)}`,
});

export function createDeviceAsks(parts: AskParts): (ask: FirmwareAsk, asking: Asking) => Promise<FirmwareEvent> {
  const { requests, downloads, positions, clock } = parts;

  /** What cannot be read is not there. */
  async function valuesAt(path: Lwm2mPath, { registration, signal }: Asking): Promise<readonly ResourceValue[]> {
    try {
      return (await requests.read(registration, path, { signal })).values;
    } catch (error) {
      if (!isFailure(error) || isFailure(error, ...NO_ANSWER)) throw error;
      return [];
    }
  }

  async function reset(instance: number, { registration, signal, state, context }: Asking): Promise<FirmwareEvent> {
    const target = resetTarget(context.settings, state.method);
    const isPackage = target === "package";
    const path = [FIRMWARE_OBJECT, instance, isPackage ? FIRMWARE.PACKAGE : FIRMWARE.PACKAGE_URI];
    const answer = isPackage
      ? await requests.write(registration, path, [{ path, type: "OPAQUE", value: Uint8Array.of(0) }], {
          signal,
          contentFormat: binaryFormat(registration),
        })
      : await requests.write(registration, path, [{ path, type: "STRING", value: target === "nullUri" ? "\0" : "" }], {
          signal,
        });
    return answer.ok ? { kind: "reset" } : refusal("Reset by Write", path, answer);
  }

  async function method(instance: number, asking: Asking): Promise<FirmwareEvent> {
    const path = [FIRMWARE_OBJECT, instance, FIRMWARE.METHOD];
    return { kind: "method", method: firmwareFacts(await valuesAt(path, asking), instance).method };
  }

  async function query(instance: number, asking: Asking): Promise<FirmwareEvent> {
    const path = [FIRMWARE_OBJECT, instance];
    const answer = await requests.read(asking.registration, path, { signal: asking.signal });
    if (!answer.ok) return refusal("Read", path, answer);
    const version = await valuesAt(VERSION_PATH, asking);
    return { kind: "queried", facts: firmwareFacts([...answer.values, ...version], instance) };
  }

  /** Somebody else may observe the resource, or what it is part of: that will do, and is not ours to end. */
  const isCovered = (registration: Registration, path: Lwm2mPath): boolean =>
    requests.observed(registration).some(({ target }) => (target.paths ?? [target.path]).some(at => isBelow(path, at)));

  async function observeOne(
    path: Lwm2mPath,
    asking: Asking,
  ): Promise<Pick<ValuesAnswer, "values"> & { kept: boolean }> {
    const { registration, signal, onObserved } = asking;
    if (isCovered(registration, path)) return { kept: true, values: await valuesAt(path, asking) };
    try {
      const { ok, kept, values } = await requests.observe(registration, path, { signal });
      if (ok && kept) onObserved(path);
      return { kept: ok && kept, values };
    } catch (error) {
      if (!isFailure(error) || isFailure(error, ...NO_ANSWER)) throw error;
      return { kept: false, values: [] };
    }
  }

  async function observe(instance: number, asking: Asking): Promise<FirmwareEvent> {
    const state = await observeOne([FIRMWARE_OBJECT, instance, FIRMWARE.STATE], asking);
    const result = await observeOne([FIRMWARE_OBJECT, instance, FIRMWARE.RESULT], asking);
    const report = firmwareReport([...state.values, ...result.values], instance);
    return { kind: "observed", kept: state.kept && result.kept, report };
  }

  async function check(instance: number, asking: Asking): Promise<FirmwareEvent> {
    // The state first: a device that ends in between shows a result that is newer than its state, never the other way round.
    const values = [
      ...(await valuesAt([FIRMWARE_OBJECT, instance, FIRMWARE.STATE], asking)),
      ...(await valuesAt([FIRMWARE_OBJECT, instance, FIRMWARE.RESULT], asking)),
    ];
    const { state, result = RESULT.INITIAL } = firmwareReport(values, instance);
    const isOver = state === undefined || state === STATE.IDLE;
    if (isInstalling(asking.state) && isOver && result <= RESULT.SUCCESS) {
      values.push(...(await valuesAt(VERSION_PATH, asking)));
    }
    return { kind: "checked", report: firmwareReport(values, instance) };
  }

  async function pull(instance: number, { protocol }: Extract<Delivery, { method: "PULL" }>, asking: Asking) {
    const { registration, signal, operationId, source } = asking;
    const { tenant, deviceId } = registration;
    const found = await source();
    const uri =
      found.kind === "external"
        ? found.url
        : (await downloads.offer({ tenant, deviceId, operationId, binary: found.binary })).uri(
            protocol as FirmwareProtocol,
          );
    const path = [FIRMWARE_OBJECT, instance, FIRMWARE.PACKAGE_URI];
    return [
      path,
      await requests.write(registration, path, [{ path, type: "STRING", value: uri }], { signal }),
    ] as const;
  }

  async function push(instance: number, asking: Asking) {
    const { registration, signal, operationId, source, onBytes } = asking;
    const found = await source();
    if (found.kind !== "stored") throw new MooringError("VALIDATION", "only a binary of this host can be pushed");
    const path = [FIRMWARE_OBJECT, instance, FIRMWARE.PACKAGE];
    const contentFormat = binaryFormat(registration);
    const context = { path, models: parts.models(registration), nowMs: clock.now() };
    const body = packageBody(found.binary, contentFormat, path, context);
    const content = `${found.binary.content}/${contentFormat}`;
    const from = await positions.find(operationId, content);
    const answer = await requests.upload(registration, path, body, {
      contentFormat,
      blockSzx: parts.blockSzx,
      signal,
      ...(from && { from }),
      async onPosition(position) {
        await positions.keep(operationId, registration.deviceId, content, position);
        onBytes(position.at, body.length);
      },
    });
    if (answer.ok) onBytes(body.length, body.length);
    return [path, answer] as const;
  }

  async function deliver(instance: number, asking: Asking): Promise<FirmwareEvent> {
    const { delivery } = asking.state;
    const isPull = delivery?.method === "PULL";
    const [path, answer] = isPull ? await pull(instance, delivery, asking) : await push(instance, asking);
    return answer.ok ? { kind: "delivered" } : refusal("Write", path, answer);
  }

  async function trigger(instance: number, { registration, signal }: Asking): Promise<FirmwareEvent> {
    const path = [FIRMWARE_OBJECT, instance, FIRMWARE.UPDATE];
    const answer = await requests.execute(registration, path, "", { signal });
    return answer.ok ? { kind: "triggered" } : refusal("Execute", path, answer);
  }

  const asks = { method, reset, query, observe, deliver, check, trigger } as const;

  return async (ask, asking) => {
    const instance = firmwareInstance(asking.registration);
    if (instance === undefined) {
      return { kind: "stopped", reason: "the device registers no Firmware Update object (/5)" };
    }
    return asks[ask](instance, asking);
  };
}

/** What came instead of an answer. */
export type Missing =
  | FirmwareEvent
  /** The store has trouble: the same, later. */
  | { readonly kind: "later" }
  /** The host stops. */
  | undefined;

/**
 * @param signal of the registration: why it ended stands in its reason
 * @param progressed see the event "moved"
 */
export function eventOfFailure(error: unknown, signal: AbortSignal | undefined, progressed: boolean): Missing {
  if (isFailure(error, "CLOSED") || isFailure(signal?.reason, "CLOSED")) return undefined;
  if (isFailure(error, "EXCHANGE_TIMEOUT")) return { kind: "silent" };
  if (isFailure(error, "OVERLOADED")) return { kind: "interrupted" };
  if (isFailure(error, "EXCHANGE_CANCELLED")) {
    const ended = [error, signal?.reason].some(each => isFailure(each) && each.details["ended"] !== undefined);
    return ended ? { kind: "interrupted" } : { kind: "moved", progressed };
  }
  const cause = isFailure(error, "TRANSFER_FAILED") ? error.cause : error;
  if (isFailure(cause, "STORE_FULL", "STORE_FAILED")) return { kind: "later" };
  if (isFailure(cause, "NOT_FOUND", "VALIDATION")) return { kind: "stopped", reason: messageOf(cause) };
  return { kind: "refused", reason: messageOf(error) };
}
