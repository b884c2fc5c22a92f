/** Query of Register and Update (LwM2M Transport 1.1.1 section 6.4.3, tables 6.4.3-1 and 6.4.3-2), as lenient as the field needs. */
import { MooringError } from "../../base/errors.ts";
import { type Lwm2mVersion, parseLwm2mVersion } from "../version.ts";

/** What Register and Update have in common; absent where the query was. */
export interface RegistrationQuery {
  /** [ep] */
  readonly endpoint?: string;
  /** [lt] seconds; 0 means without end (LwM2M Server object, resource 1). */
  readonly lifetimeSeconds?: number;
  /** [lwm2m] */
  readonly version?: Lwm2mVersion;
  /** [b] as given, in upper case. */
  readonly binding?: string;
  /** [Q], or a `Q` within [b]; undefined when the query names neither. */
  readonly queueMode?: boolean;
  /** [at] ms, vendor attribute. */
  readonly awakeTimeMs?: number;
}

/** What a request without query says; the same object each time. */
export const EMPTY_QUERY: RegistrationQuery = Object.freeze({});
const LARGEST_SECONDS = 2 ** 32 - 1;
const LONGEST_ENDPOINT = 255;

const invalid = (key: string, value: string, rule: string): MooringError =>
  new MooringError("QUERY_INVALID", `query ${key}="${value}" ${rule}`, { key, value });

function wholeNumber(key: string, text: string, largest: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= largest)) throw invalid(key, text, `must be a whole number of 0 to ${largest}`);
  return value;
}

/** @throws MooringError QUERY_INVALID naming `ep` */
export function endpointName(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (text === "" || text.length > LONGEST_ENDPOINT || /[\u0000-\u001f\u007f]/.test(text)) {
    throw invalid("ep", text, `must hold 1 to ${LONGEST_ENDPOINT} characters, none of them a control character`);
  }
  return text;
}

/** The usual ones, so that registrations share their text. */
const USUAL_BINDINGS: readonly string[] = ["U", "UQ"];

function bindingModes(text: string): string {
  const modes = text.toUpperCase();
  if (!/^[UTSNMHQ]{1,7}$/.test(modes)) throw invalid("b", text, "must be made of the modes U, T, S, N, M, H and Q");
  return USUAL_BINDINGS.find(usual => usual === modes) ?? modes;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Reader = (value: string, into: Mutable<RegistrationQuery>) => void;

/** Keys that are not here are ignored (`mac=`, `sms=` and the like are seen in the field). */
const READERS: Readonly<Record<string, Reader>> = {
  ep: (value, into) => void (into.endpoint = endpointName(value)),
  lt: (value, into) => void (into.lifetimeSeconds = wholeNumber("lt", value, LARGEST_SECONDS)),
  lwm2m: (value, into) => void (into.version = parseLwm2mVersion(value)),
  at: (value, into) => void (into.awakeTimeMs = wholeNumber("at", value, LARGEST_SECONDS)),
  Q: (_, into) => void (into.queueMode = true),
  b: (value, into) => {
    into.binding = bindingModes(value);
    into.queueMode = into.queueMode === true || into.binding.includes("Q");
  },
};

/**
 * @param query Uri-Query options, each `key=value` or `key`; the first of a repeated key counts
 * @throws MooringError QUERY_INVALID, which names the key; LWM2M_VERSION_UNSUPPORTED
 */
export function readRegistrationQuery(query: readonly string[]): RegistrationQuery {
  if (query.length === 0) return EMPTY_QUERY;
  const result: Mutable<RegistrationQuery> = {};
  const seen = new Set<string>();
  for (const part of query) {
    const equals = part.indexOf("=");
    const key = equals < 0 ? part : part.slice(0, equals);
    if (seen.has(key) || !Object.hasOwn(READERS, key)) continue;
    seen.add(key);
    READERS[key]?.(equals < 0 ? "" : part.slice(equals + 1), result);
  }
  return result;
}
