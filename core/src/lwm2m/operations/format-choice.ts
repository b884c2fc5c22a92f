/** Which Content-Formats to try with a device, and what it has refused (agent specification 10.2, field finding D5). */
import { CONTENT_FORMAT } from "../codecs/codec.ts";
import { codecFor, compositeFormats, preferredFormats } from "../codecs/codec-table.ts";
import type { Lwm2mPath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";

const SINGLE_VALUE: readonly number[] = [CONTENT_FORMAT.TEXT, CONTENT_FORMAT.OPAQUE, CONTENT_FORMAT.CBOR];
/** What every device has: `ct` names the formats beside them (Leshan's client, for one, never lists these two). */
const EVERYWHERE: readonly number[] = [CONTENT_FORMAT.TEXT, CONTENT_FORMAT.OPAQUE];

/** What a format is for: a request at a path, or a composite one. A device may refuse a format for one and not for the other. */
export type FormatUse = Lwm2mPath | "composite";

/** What binary values and firmware are written in, whatever the device offers (agent specification 3.3). */
export const binaryFormat = ({ settings }: Registration): number =>
  settings.binaryContentFormat ?? CONTENT_FORMAT.OPAQUE;

export interface FormatChoice {
  /** Best first, at least one. */
  formats(registration: Registration, use: FormatUse): readonly number[];
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
function chosen({ settings, contentFormats }: Registration, use: FormatUse): number[] {
  const format = settings.contentFormat;
  if (format === undefined || !isKnown(format)) return [];
  const isOffered = contentFormats.length === 0 || [...EVERYWHERE, ...contentFormats].includes(format);
  if (!isOffered) return [];
  if (use === "composite") return compositeFormats([format]).filter(able => able === format);
  return SINGLE_VALUE.includes(format) && use.length < 3 ? [] : [format];
}

/** A device that offers nothing and refuses what its version makes likely: the other format of LwM2M 1.0 is what is left. */
const lastResort = ({ contentFormats }: Registration): number[] =>
  contentFormats.length === 0 ? [CONTENT_FORMAT.JSON].filter(isKnown) : [];

function able(registration: Registration, use: FormatUse): number[] {
  const { version, contentFormats } = registration;
  if (use === "composite") return compositeFormats(contentFormats);
  return [...preferredFormats(version, contentFormats, use), ...lastResort(registration)];
}

export function createFormatChoice(): FormatChoice {
  const refusals = {
    single: new Map<string, ReadonlySet<number>>(),
    composite: new Map<string, ReadonlySet<number>>(),
  };
  const refusalsOf = (use: FormatUse) => (use === "composite" ? refusals.composite : refusals.single);
  return {
    formats(registration, use) {
      const all = [...new Set([...chosen(registration, use), ...able(registration, use)])];
      const refused = refusalsOf(use).get(registration.id);
      if (!refused) return all;
      return [...all.filter(format => !refused.has(format)), ...all.filter(format => refused.has(format))];
    },
    refused({ id }, use, contentFormat) {
      const known = refusalsOf(use);
      known.set(id, new Set([...(known.get(id) ?? []), contentFormat]));
    },
    forget(id) {
      refusals.single.delete(id);
      refusals.composite.delete(id);
    },
  };
}
