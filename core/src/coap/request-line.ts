/**
 * Requests that can wait, set aside while very many come at once: what else comes is read and answered before the kernel's buffer is
 * full, where it would be lost with them. A herd of Registers must not keep Updates and notifications out.
 */
import type { Peer } from "../transport/transport.ts";
import { METHODS } from "./codes.ts";
import { type MessageView, optionBytes } from "./message.ts";
import { OPTIONS } from "./options.ts";
import type { Method } from "./request.ts";

/** Which requests can wait: those of one method and path, whatever their query. */
export interface PatientRequests {
  readonly method: Method;
  /** Of one segment, ASCII. */
  readonly path: string;
}

export interface RequestLineParts {
  readonly patient: PatientRequests;
  /** Datagrams that have come so far, of any kind. */
  received(): number;
  /** A message whose turn has come. Must not throw. */
  handle(bytes: Uint8Array, peer: Peer): void;
  /** One that found the line full: its sender repeats it (RFC 7252 section 4.2). */
  dropped(): void;
}

export interface RequestLine extends Disposable {
  /** @returns true: it waits, or is dropped; false: it is to be handled now */
  offer(bytes: Uint8Array, peer: Peer, view: MessageView): boolean;
  readonly waiting: number;
}

/** Handled without a wait in one turn of the event loop where nobody waits. */
const AT_ONCE = 16;
/** Of a round, while so many datagrams come in each, and otherwise. */
const FLOODED = 8;
const FEW = 2;
const MANY = 32;
/** Some 20 MB of Registers. */
const MOST_WAITING = 50_000;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly peer: Peer;
}

export function createRequestLine({ patient, received, handle, dropped }: RequestLineParts): RequestLine {
  const code = METHODS[patient.method];
  const path = Buffer.from(patient.path);
  let line: Waiting[] = [];
  let first = 0;
  let thisTurn = 0;
  let isArmed = false;
  let receivedBefore = 0;

  function canWait(view: MessageView): boolean {
    if (view.code !== code) return false;
    let segments = 0;
    for (let i = 0; i < view.optionCount; i++) {
      if (view.optionNumbers[i] !== OPTIONS.URI_PATH) continue;
      if (++segments > 1 || !path.equals(optionBytes(view, i))) return false;
    }
    return segments === 1;
  }

  function arm(): void {
    if (isArmed) return;
    isArmed = true;
    receivedBefore = received();
    setImmediate(round);
  }

  function round(): void {
    isArmed = false;
    thisTurn = 0;
    const isFlooded = received() - receivedBefore >= FLOODED;
    const end = Math.min(line.length, first + (isFlooded ? FEW : MANY));
    while (first < end) {
      const { bytes, peer } = line[first++]!;
      handle(bytes, peer);
    }
    if (first === line.length) {
      line = [];
      first = 0;
    } else arm();
  }

  return {
    get waiting() {
      return line.length - first;
    },
    offer(bytes, peer, view) {
      if (!canWait(view)) return false;
      arm();
      if (first === line.length && ++thisTurn <= AT_ONCE) return false;
      if (line.length - first >= MOST_WAITING) dropped();
      else line.push({ bytes: Uint8Array.from(bytes), peer });
      return true;
    },
    [Symbol.dispose]() {
      line = [];
      first = 0;
    },
  };
}
