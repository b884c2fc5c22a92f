/** Binds an update to its operation and device: where its settings come from, where its state goes, what follows its end. */
import type { Clock } from "../../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { FirmwareDownloads, FirmwareProtocol } from "../../firmware/downloads.ts";
import type { FirmwareSource } from "../../firmware/firmware-source.ts";
import type { PackageSource } from "../../lwm2m/firmware/delivery.ts";
import type { FirmwareEvent } from "../../lwm2m/firmware/firmware-machine.ts";
import type { FirmwareAsk, FirmwareContext, FirmwareState } from "../../lwm2m/firmware/firmware-state.ts";
import { parsePath } from "../../lwm2m/path.ts";
import type { Registration } from "../../lwm2m/registration/registration.ts";
import type { Lwm2mServer } from "../../lwm2m/server/lwm2m-server.ts";
import type { Fragments, Operation, Platform } from "../../platform/platform.ts";
import { storable } from "../response-text.ts";
import type { Asking } from "./device-asks.ts";
import type { RunParts } from "./firmware-run.ts";
import type { PushPositions } from "./push-positions.ts";
import { asDetails, statusOf, type UpdateDetails } from "./update-details.ts";
import type { UpdateSigns } from "./update-signs.ts";
import { FIRMWARE_FRAGMENT, firmwareSettings, openSource, type WantedFirmware } from "./wanted-firmware.ts";

export interface BindParts {
  readonly platform: Pick<Platform, "inventory" | "operations" | "binaries">;
  readonly server: Pick<Lwm2mServer, "registrations" | "requests" | "queues" | "isReachable">;
  readonly downloads: FirmwareDownloads;
  readonly positions: PushPositions;
  readonly signs: UpdateSigns;
  readonly clock: Clock;
  readonly log: Log;
  /** By what devices can fetch from this host. */
  readonly offered: readonly FirmwareProtocol[];
  distrusted(): readonly FirmwareProtocol[];
  ask(ask: FirmwareAsk, asking: Asking): Promise<FirmwareEvent>;
}

export interface BoundTo {
  readonly tenant: string;
  readonly endpoint: string;
  readonly operation: Operation;
  readonly wanted: WantedFirmware;
  /** URL in force and the bytes that it named when the update was accepted. */
  readonly from: Pick<UpdateDetails, "url" | "content">;
}

const LONGEST_REASON = 10_000;
const ENDED: readonly string[] = ["SUCCESSFUL", "FAILED"];
/** Of an operation that has lost its end to a write of ours that was under way. */
const ENDED_ELSEWHERE = "Firmware update was ended by a change of its operation";

/** What an operation ends with. */
function endOf({ at, reason = "" }: FirmwareState): Fragments {
  if (at === "SUCCEEDED") return { status: "SUCCESSFUL" };
  return { status: "FAILED", failureReason: at === "FAILED" ? storable(reason, LONGEST_REASON) : ENDED_ELSEWHERE };
}

export function bindRun(parts: BindParts, { tenant, endpoint, operation, wanted, from }: BoundTo): RunParts {
  const { platform, server, downloads, positions, signs, clock, log } = parts;
  const { inventory, operations } = platform;
  const { id: operationId, deviceId } = operation;
  const registration = (): Registration | undefined => server.registrations.byEndpoint(endpoint);

  /** Undefined: what it is about is gone. */
  async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (isFailure(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async function writeEnd({ status: before }: Operation, details: UpdateDetails): Promise<void> {
    const isEnded = ENDED.includes(before);
    if (!isEnded && details.state.at === "SUCCEEDED") {
      await ifThere(inventory.update(tenant, deviceId, { [FIRMWARE_FRAGMENT]: wanted }));
    }
    const end = isEnded ? { status: before } : endOf(details.state);
    await ifThere(operations.update(tenant, operationId, end, asDetails(details)));
    log.info("firmware.ended", { endpoint, operationId, ...end });
  }

  const source: PackageSource =
    from.content === undefined
      ? { kind: "external", scheme: new URL(from.url).protocol.slice(0, -1) }
      : { kind: "stored" };

  async function context(): Promise<FirmwareContext> {
    const object = await inventory.findCached(tenant, deviceId);
    const { resets, failOnUnexpected, delivery } = firmwareSettings(object?.fragments ?? {});
    const secured = registration()?.peer.identity !== undefined;
    const offer = { source, offered: parts.offered, distrusted: parts.distrusted() };
    return { settings: delivery, ...offer, secured, resets, failOnUnexpected, version: wanted.version };
  }

  async function openNow(): Promise<FirmwareSource> {
    const found = await openSource(platform.binaries, tenant, from.url);
    const content = found.kind === "stored" ? found.binary.content : undefined;
    if (content === from.content) return found;
    throw new MooringError("NOT_FOUND", "the bytes of the firmware were replaced while they were delivered");
  }

  /** What the device has got of the package. */
  async function forgetPackage({ state }: UpdateDetails, live: Registration, signal: AbortSignal): Promise<void> {
    const method = state.method ?? state.delivery?.method;
    const known = method === undefined ? state : { ...state, method };
    const unused = { source: openNow, onObserved: () => {}, onBytes: () => {} };
    await parts.ask("reset", {
      operationId,
      registration: live,
      signal,
      state: known,
      context: await context(),
      ...unused,
    });
  }

  /** A job that nobody waits for, in the registration that there is now. */
  function later(what: string, job: (live: Registration, signal: AbortSignal) => Promise<unknown>): void {
    const live = registration();
    if (!live) return;
    server.queues
      .run(endpoint, async (now, signal) => (now.id === live.id ? await job(now, signal) : undefined))
      .catch(error => log.info("firmware.not-cleaned-up", { endpoint, operationId, what, reason: messageOf(error) }));
  }

  return {
    operationId,
    nowMs: clock.now,
    after: clock.after,
    registration,
    isReachable: server.isReachable,
    inTurn: job => server.queues.run(endpoint, job),
    ask: parts.ask,

    context,
    source: openNow,

    async save(details, now) {
      const status = statusOf(details.state, now);
      await operations.update(tenant, operationId, { status }, asDetails(details));
    },

    async finish(details) {
      const now = await ifThere(operations.get(tenant, operationId));
      if (now) await writeEnd(now, details);
      await downloads.withdraw(operationId);
      await positions.forget(operationId);
    },

    cleanUp(details, resets) {
      if (resets) later("reset", (live, signal) => forgetPackage(details, live, signal));
      for (const path of details.observed.map(parsePath)) {
        later("observation", (live, signal) => server.requests.cancelObservation(live, path, "request", { signal }));
      }
    },

    onObservation: kept => signs.observation(tenant, operation, kept),
    onNoted: (step, text) => signs.noted(tenant, operation, step, text),
    onAbsent: (reason, state) => signs.absent(tenant, operation, reason, state),
    onFault: reason => log.error("firmware.fault", { endpoint, operationId, reason }),
  };
}
