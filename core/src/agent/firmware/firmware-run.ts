/**
 * One update of one device: takes events one after the other, stores the state that the machine makes of each, then asks the device for
 * what that state says. Whatever is under way when the state asks for something else is ended.
 */
import { isFailure, messageOf } from "../../base/errors.ts";
import type { FirmwareSource } from "../../firmware/firmware-source.ts";
import { type FirmwareEvent, stepFirmware } from "../../lwm2m/firmware/firmware-machine.ts";
import {
  askOf,
  beginFirmware,
  type FirmwareAsk,
  type FirmwareContext,
  type FirmwareState,
  hasEnded,
  needsPolling,
} from "../../lwm2m/firmware/firmware-state.ts";
import { formatPath } from "../../lwm2m/path.ts";
import type { Registration } from "../../lwm2m/registration/registration.ts";
import { describeStep } from "./describe.ts";
import { type Asking, eventOfFailure, type Missing } from "./device-asks.ts";
import { noted } from "./timeline.ts";
import type { UpdateDetails } from "./update-details.ts";

/** Why an ask waits. */
export type AbsentReason = "not registered" | "asleep" | "no answer";

/** What an update needs of its surroundings; bound to its operation and device. */
export interface RunParts {
  readonly operationId: string;
  nowMs(): number;
  after(delayMs: number, run: () => void): Disposable;
  /** Settings as they are now, and what is wanted. */
  context(): Promise<FirmwareContext>;
  source(): Promise<FirmwareSource>;
  registration(): Registration | undefined;
  isReachable(registration: Registration): boolean;
  /** Runs when the device can be reached. */
  inTurn<T>(job: (registration: Registration, signal: AbortSignal) => Promise<T>): Promise<T>;
  ask(ask: FirmwareAsk, asking: Asking): Promise<FirmwareEvent>;
  /** @throws MooringError NOT_FOUND when the operation is gone, those of the store */
  save(details: UpdateDetails, context: FirmwareContext): Promise<void>;
  /** Writes the end down, unless somebody else has; repeated until it does not throw. */
  finish(details: UpdateDetails): Promise<void>;
  /** Undoes what can be undone, without being waited for. @param resets the device is to forget what it has of the package */
  cleanUp(details: UpdateDetails, resets: boolean): void;
  /** State and result are observed, or cannot be. */
  onObservation(kept: boolean): Promise<void>;
  onNoted(step: string, text: string): void;
  onAbsent(reason: AbsentReason, state: FirmwareState): void;
  onFault(reason: string): void;
}

export interface FirmwareRun {
  readonly operationId: string;
  readonly details: UpdateDetails;
  /** Of the package, as far as it is known to have arrived. */
  readonly bytes: { readonly done: number; readonly total: number } | undefined;
  /** @param resumed an earlier life of the host began it */
  start(resumed: boolean): void;
  tell(event: FirmwareEvent): void;
  /** The device has fetched so much. */
  fetched(done: number, total: number): void;
  /** The operation was ended or deleted by somebody. */
  abandon(): void;
  /** Resolves when its end is written, or it is closed. */
  readonly ended: Promise<void>;
  /** The host stops: what is stored counts. */
  close(): Promise<void>;
}

/** How often what cannot be observed is read (agent specification 14.3, step 3). */
const POLL_MS = 60_000;
/** When a store that refuses is asked again. */
const LATER_MS = 5_000;
/** Lines of the timeline about the bytes of a package. */
const BYTE_LINES = 10;

interface OpenAsk {
  readonly ask: FirmwareAsk;
  /** Where the update was when it was asked. */
  readonly at: FirmwareState["at"];
  readonly stop: AbortController;
}

/** What the device has of a package that is not installed is of no use to it. */
const holdsPackage = ({ at }: FirmwareState): boolean =>
  at === "DELIVER" || at === "AWAIT_DOWNLOAD" || at === "TRIGGER";

export function createFirmwareRun(parts: RunParts, saved: UpdateDetails): FirmwareRun {
  let details = saved;
  const observed = new Set(saved.observed);
  let open: OpenAsk | undefined;
  let timer: Disposable | undefined;
  let isOver = false;
  let isClosed = false;
  let bytes: FirmwareRun["bytes"];
  /** Bytes were acknowledged since the device had its last address. */
  let progressed = false;
  let work: Promise<void> = Promise.resolve();
  const closing = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();

  const fault = (error: unknown): void => parts.onFault(messageOf(error));

  /** Events and what follows from them, one after the other. */
  function inLine(step: () => Promise<void>): void {
    work = work.then(() => (isOver || isClosed ? undefined : step())).catch(fault);
  }

  /** As long as the store refuses: what it is to keep is nowhere else. @returns false: the operation is gone */
  async function persistently(write: () => Promise<void>): Promise<boolean> {
    for (;;) {
      try {
        await write();
        return true;
      } catch (error) {
        if (isFailure(error, "NOT_FOUND")) return false;
        if (isClosed) throw error;
        fault(error);
        const later = new Promise<void>(resolve => void parts.after(LATER_MS, resolve));
        await Promise.race([later, closing.promise]);
      }
    }
  }

  const whole = (next: UpdateDetails): UpdateDetails => ({ ...next, observed: [...observed] });

  async function save(next: UpdateDetails, context: FirmwareContext): Promise<void> {
    if (await persistently(() => parts.save(whole(next), context))) details = next;
    else abandon();
  }

  function withLine(next: UpdateDetails, text: string): UpdateDetails {
    const step = next.state.at;
    parts.onNoted(step, text);
    return { ...next, timeline: noted(next.timeline, { atMs: parts.nowMs(), step, text }) };
  }

  function stopAsking(): void {
    timer?.[Symbol.dispose]();
    timer = undefined;
    open?.stop.abort();
    open = undefined;
  }

  async function end(resets: boolean): Promise<void> {
    await persistently(() => parts.finish(whole(details)));
    parts.cleanUp(whole(details), resets);
    ended.resolve();
  }

  async function take(event: FirmwareEvent): Promise<void> {
    const context = await parts.context();
    const before = details.state;
    const state = stepFirmware(before, event, context);
    const next = { ...details, state, sinceMs: state.at === before.at ? details.sinceMs : parts.nowMs() };
    const text = describeStep(before, event, state);
    const shown = text === undefined ? next : withLine(next, text);
    if (hasEnded(state)) {
      details = shown;
      stopAsking();
      isOver = true;
      await end(event.kind === "stopped" && holdsPackage(before));
      return;
    }
    // The same line once more is stored with the next one.
    if (state !== before || shown.timeline.length !== details.timeline.length) await save(shown, context);
    else details = shown;
    if (event.kind === "observed") await parts.onObservation(event.kept);
    follow(context);
  }

  /** Asks for what the state wants, and for nothing else. */
  function follow(context: FirmwareContext): void {
    if (isOver || isClosed) return;
    timer?.[Symbol.dispose]();
    const { state } = details;
    const ask = askOf(state, context);
    if (open && open.ask !== ask) {
      open.stop.abort();
      open = undefined;
    }
    timer = needsPolling(state) ? parts.after(POLL_MS, () => tell({ kind: "due" })) : undefined;
    if (ask && !open) begin(ask, context);
  }

  function begin(ask: FirmwareAsk, context: FirmwareContext): void {
    const registration = parts.registration();
    if (!registration) {
      parts.onAbsent("not registered", details.state);
      tell({ kind: "interrupted" });
      return;
    }
    if (!parts.isReachable(registration)) parts.onAbsent("asleep", details.state);
    const asked: OpenAsk = { ask, at: details.state.at, stop: new AbortController() };
    open = asked;
    void answerTo(asked, context).then(event => {
      if (open !== asked) return;
      open = undefined;
      if (event?.kind === "later") timer = parts.after(LATER_MS, () => follow(context));
      else if (event) answered(event, registration.id, asked.at);
    });
  }

  async function answerTo({ ask, stop }: OpenAsk, context: FirmwareContext): Promise<Missing> {
    let ofRegistration: AbortSignal | undefined;
    try {
      return await parts.inTurn(async (registration, signal): Promise<Missing> => {
        if (stop.signal.aborted) return undefined;
        const { id } = registration;
        if (id !== details.state.registrationId) return { kind: "connected", registrationId: id };
        ofRegistration = signal;
        return parts.ask(ask, {
          operationId: parts.operationId,
          registration,
          signal: AbortSignal.any([signal, stop.signal]),
          state: details.state,
          context,
          source: parts.source,
          onObserved: path => void observed.add(formatPath(path)),
          onBytes,
        });
      });
    } catch (error) {
      if (!isFailure(error)) fault(error);
      return eventOfFailure(error, ofRegistration, progressed);
    }
  }

  function answered(event: FirmwareEvent, registrationId: string, at: FirmwareState["at"]): void {
    if (event.kind === "silent") parts.onAbsent("no answer", details.state);
    if (event.kind === "moved") progressed = false;
    // How a former registration came to its end says nothing about the one there is.
    const isFormer = registrationId !== details.state.registrationId;
    const isNothing = isFormer && (event.kind === "interrupted" || event.kind === "moved");
    // What the device showed before it told of something newer is not how it stands now.
    const isOld = (): boolean => event.kind === "checked" && details.state.at !== at;
    inLine(async () => (isNothing || isOld() ? follow(await parts.context()) : take(event)));
  }

  function onBytes(done: number, total: number): void {
    const before = bytes;
    bytes = { done, total };
    if (before && done > before.done) progressed = true;
    const line = (count: number): number => Math.floor((count * BYTE_LINES) / total);
    const isBack = before !== undefined && done < before.done;
    if (!isBack && line(done) === line(before?.done ?? 0)) return;
    const text = isBack ? `begins again at byte ${done}` : `${done} of ${total} bytes`;
    inLine(async () => save(withLine(details, text), await parts.context()));
  }

  const tell = (event: FirmwareEvent): void => inLine(() => take(event));

  function abandon(): void {
    if (isOver || isClosed) return;
    isOver = true;
    stopAsking();
    work = work.then(() => end(holdsPackage(details.state))).catch(fault);
  }

  return {
    operationId: parts.operationId,
    get details() {
      return whole(details);
    },
    get bytes() {
      return bytes;
    },
    ended: ended.promise,
    tell,
    fetched: onBytes,
    abandon,
    start(resumed) {
      if (resumed) {
        tell({ kind: "restored" });
        return;
      }
      inLine(async () => {
        const context = await parts.context();
        // Settings may have changed while it waited for the update before it.
        details = { ...details, state: beginFirmware(context) };
        follow(context);
      });
    },
    async close() {
      isClosed = true;
      closing.resolve();
      stopAsking();
      await work;
      ended.resolve();
    },
  };
}
