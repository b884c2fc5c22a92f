/** Which Content-Formats to try with a device, and what it has refused (agent specification 10.2, field finding D5). */
import { CONTENT_FORMAT } from "../codecs/codec.ts";
import { codecFor, compositeFormats, isDeprecated, preferredFormats } from "../codecs/codec-table.ts";
import type { Lwm2mPath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";

const SINGLE_VALUE: readonly number[] = [CONTENT_FORMAT.TEXT, CONTENT_FORMAT.OPAQUE, CONTENT_FORMAT.CBOR];
/** What every device has: `ct` names the formats beside them (Leshan's client, for one, never lists these two). */
const EVERYWHERE: readonly number[] = [CONTENT_FORMAT.TEXT, CONTENT_FORMAT.OPAQUE];

/** What a format is for: a request at a path, or the answer or values of a composite one. A device may refuse a format for one and not for the other. */
export type FormatUse = Lwm2mPath | "answer" | "write";

/** What binary values and firmware are written in, whatever the device offers (agent specification 3.3). */
export const binaryFormat = ({ settings }: Registration): number =>
  settings.binaryContentFormat ?? CONTENT_FORMAT.OPAQUE;

export interface FormatChoice {
  /** Best first, at least one. */
  formats(registration: Registration, use: FormatUse): readonly number[];
  /** The format of a list of paths, where the answer is asked for in `accept`: the same if it can be. */
  listFormat(registration: Registration, accept: number): number;
  /** The device has refused this format and taken another: not to be tried first again in this registration. */
  refused(registration: Registration, use: FormatUse, contentFormat: number): void;
  /** The registration has ended. */
  forget(registrationId: string): void;
}

function isKnown(contentFormat: number): boolean {
  try {
    return codecFor(contentFormat).contentFormat === contentFormat;
  } catch {
    return false;
  }
}

/** The operator's choice, where the device has it and it can say what is asked for. */
function chosen({ settings }: Registration, offered: readonly number[], use: FormatUse): number[] {
  const format = settings.contentFormat;
  if (format === undefined || !isKnown(format)) return [];
  if (offered.length > 0 && ![...EVERYWHERE, ...offered].includes(format)) return [];
  if (typeof use === "string") return compositeFormats(use, [format]).filter(able => able === format);
  return SINGLE_VALUE.includes(format) && use.length < 3 ? [] : [format];
}

/** A device that offers nothing and refuses what its version makes likely: the other format of LwM2M 1.0 is what is left. */
const lastResort = (offered: readonly number[]): number[] => (offered.length === 0 ? [CONTENT_FORMAT.JSON] : []);

function able({ version }: Registration, offered: readonly number[], use: FormatUse): number[] {
  if (typeof use === "string") return compositeFormats(use, offered);
  return [...preferredFormats(version, offered, use), ...lastResort(offered)];
}

/** Of a registration, by what the format was refused for. */
type Refusals = Map<string, ReadonlySet<number>>;

/** @param deprecated whether 1542 and 1543 are spoken with devices that offer nothing newer */
export function createFormatChoice(deprecated: boolean): FormatChoice {
  const refusals: Readonly<Record<"single" | "answer" | "write", Refusals>> = {
    single: new Map(),
    answer: new Map(),
    write: new Map(),
  };
  const refusalsOf = (use: FormatUse): Refusals => refusals[typeof use === "string" ? use : "single"];
  const offeredBy = ({ contentFormats }: Registration): readonly number[] =>
    deprecated ? contentFormats : contentFormats.filter(format => !isDeprecated(format));
  return {
    listFormat(registration, accept) {
      const able = compositeFormats("paths", offeredBy(registration));
      return able.includes(accept) ? accept : able[0]!;
    },
    formats(registration, use) {
      const offered = offeredBy(registration);
      const all = [...new Set([...chosen(registration, offered, use), ...able(registration, offered, use)])];
      const refused = refusalsOf(use).get(registration.id);
      if (!refused) return all;
      return [...all.filter(format => !refused.has(format)), ...all.filter(format => refused.has(format))];
    },
    refused({ id }, use, contentFormat) {
      const known = refusalsOf(use);
      known.set(id, new Set([...(known.get(id) ?? []), contentFormat]));
    },
    forget(id) {
      for (const known of Object.values(refusals)) known.delete(id);
    },
  };
}
