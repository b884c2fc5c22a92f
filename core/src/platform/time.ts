/** Times of the REST API: ISO 8601 in, milliseconds since the epoch inside, `Z` with milliseconds out (platform API 2.2). */
import { MooringError } from "../base/errors.ts";

const SHAPE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d{2}):?(\d{2})?)?)?$/;

/** What four digits of a year can say, an offset counted in: 0000-01-01T00:00Z to the last ms of 9999. */
const EARLIEST_MS = -62_167_219_200_000;
const LATEST_MS = 253_402_300_799_999;

interface ParsedTime {
  readonly atMs: number;
  readonly hasZone: boolean;
}

/** Digits past the third of a fraction are cut off. */
function parse(text: string): ParsedTime | undefined {
  const match = SHAPE.exec(text);
  if (!match) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const milliseconds = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const offsetMinutes = (match[9] === "-" ? -1 : 1) * (part(10) * 60 + part(11));
  if (hour > 23 || minute > 59 || second > 59 || part(10) > 18 || part(11) > 59) return undefined;
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  // A day that the month has not rolls over: 2024-02-30 would become March 1.
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return undefined;
  local.setUTCHours(hour, minute, second, milliseconds);
  const atMs = local.getTime() - offsetMinutes * 60_000;
  if (atMs < EARLIEST_MS || atMs > LATEST_MS) return undefined;
  return { atMs, hasZone: match[8] !== undefined || match[9] !== undefined };
}

function invalid(field: string, value: unknown, rule: string): MooringError {
  return new MooringError("VALIDATION", `${field} ${rule}`, { field, rule, value: String(value).slice(0, 60) });
}

/**
 * A time in a body: date, time and zone.
 * @param field name for the error
 * @throws MooringError VALIDATION
 */
export function parseTime(value: unknown, field: string): number {
  const parsed = typeof value === "string" ? parse(value) : undefined;
  if (!parsed?.hasZone) {
    throw invalid(field, value, "must be a time in ISO 8601 with a zone, as 2024-03-10T10:00:00.000Z");
  }
  return parsed.atMs;
}

/**
 * A time in a query: also a bare date (midnight UTC) and a time without a zone (UTC). A blank stands for the `+` of an
 * offset that the client forgot to escape.
 * @throws MooringError VALIDATION
 */
export function parseQueryTime(text: string, field: string): number {
  const parsed = parse(text.trim().replace(/ (?=\d{2}:?\d{0,2}$)/, "+"));
  if (!parsed)
    throw invalid(field, text, "must be a date or a time in ISO 8601, as 2024-03-10 or 2024-03-10T10:00:00Z");
  return parsed.atMs;
}

/** `2024-03-10T10:00:00.000Z` */
export const formatTime = (atMs: number): string => new Date(atMs).toISOString();
