/** What the main process and a decoder host say to each other (heads of frames; `frames.ts`). */
import { CONSOLE_LINES } from "./limits.ts";

/** Calls carry a number of their own; the host answers each once, in any order. */
export type ToHost =
  | {
      /** Part 0: TypeScript; part 0 of the answer: the same without its types. */
      readonly kind: "strip";
      readonly call: number;
    }
  | {
      /** Part 0: plain JavaScript. */
      readonly kind: "load";
      readonly call: number;
      readonly decoder: string;
      readonly memoryMb: number;
      readonly timeoutMs: number;
    }
  | {
      /** Part 0: JSON array of the inputs without their bytes (`GuestItem`); part 1: the bytes of all, joined. */
      readonly kind: "decode";
      readonly call: number;
      readonly decoder: string;
      readonly timeoutMs: number;
      /** Part 1 of the answer shall be what the decoder printed, as a JSON array of texts. */
      readonly console?: true;
    }
  | { readonly kind: "drop"; readonly decoder: string };

export type CallFailureReason = "timeout" | "memory" | "threw";

export interface CallFailure {
  readonly reason: CallFailureReason;
  readonly message: string;
}

export type FromHost =
  | { readonly kind: "hello"; readonly ok: boolean; readonly message: string }
  | {
      readonly kind: "done";
      readonly call: number;
      /** That the decoder used. */
      readonly cpuMs: number;
      readonly heapBytes?: number;
      /** Absent: it went well, and part 0 is what was asked for (of a decode the guest's output, of a load nothing); else it is empty. */
      readonly failure?: CallFailure;
    };

/** One input as it goes into the isolate; the bytes travel beside it. */
export interface GuestItem {
  readonly bytes: number;
  readonly resourcePath: string;
  readonly resourceType: string;
  readonly receivedAt: string;
  readonly sourceDeviceId: string;
  readonly device: Readonly<Record<string, unknown>>;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const isFailure = (value: unknown): value is CallFailure =>
  isObject(value) &&
  (value["reason"] === "timeout" || value["reason"] === "memory" || value["reason"] === "threw") &&
  typeof value["message"] === "string";

const isTime = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value) && value >= 0;

/** The parent trusts nothing that a host says: one that speaks otherwise is ended. */
export function isFromHost(head: unknown): head is FromHost {
  if (!isObject(head)) return false;
  if (head["kind"] === "hello") return typeof head["ok"] === "boolean" && typeof head["message"] === "string";
  return (
    head["kind"] === "done" &&
    typeof head["call"] === "number" &&
    isTime(head["cpuMs"]) &&
    (head["heapBytes"] === undefined || typeof head["heapBytes"] === "number") &&
    (head["failure"] === undefined || isFailure(head["failure"]))
  );
}

/** What a decoder printed, as its host tells it; anything else than texts is left out. */
export function readPrinted(json: string): string[] {
  let lines: unknown;
  try {
    lines = JSON.parse(json);
  } catch {}
  if (!Array.isArray(lines)) return [];
  return lines.slice(0, CONSOLE_LINES).filter(line => typeof line === "string");
}

/** The guest's output: signed lengths of the texts (negative: a failure's message), a line feed, the texts. */
export function splitGuestOutput(output: string, items: number): { ok: boolean; text: string }[] | undefined {
  const end = output.indexOf("\n");
  const lengths = output.slice(0, Math.max(0, end)).split(",").map(Number);
  if (end < 0 || lengths.length !== items) return undefined;
  let at = end + 1;
  const texts: { ok: boolean; text: string }[] = [];
  for (const length of lengths) {
    if (!Number.isInteger(length) || at + Math.abs(length) > output.length) return undefined;
    texts.push({ ok: length > 0, text: output.slice(at, at + Math.abs(length)) });
    at += Math.abs(length);
  }
  return at === output.length ? texts : undefined;
}
