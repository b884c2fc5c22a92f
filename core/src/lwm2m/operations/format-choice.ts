/** Which Content-Formats to try with a device, and what it has refused (agent specification 10.2, field finding D5). */
import { CONTENT_FORMAT } from "../codecs/codec.ts";
import { codecFor, preferredFormats } from "../codecs/codec-table.ts";
import type { Lwm2mPath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";

const SINGLE_VALUE: readonly number[] = [CONTENT_FORMAT.TEXT, CONTENT_FORMAT.OPAQUE, CONTENT_FORMAT.CBOR];

export interface FormatChoice {
  /** Best first, at least one. */
  formats(registration: Registration, path: Lwm2mPath): readonly number[];
  /** The device has refused this format and taken another: not to be tried first again in this registration. */
  refused(registration: Registration, contentFormat: number): void;
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

/** The operator's choice, where the device has it and it can say what the path asks for. */
function chosen({ settings, contentFormats }: Registration, path: Lwm2mPath): number[] {
  const format = settings.contentFormat;
  if (format === undefined || !isKnown(format)) return [];
  if (contentFormats.length > 0 && !contentFormats.includes(format)) return [];
  return SINGLE_VALUE.includes(format) && path.length < 3 ? [] : [format];
}

/** A device that offers nothing and refuses what its version makes likely: the other format of LwM2M 1.0 is what is left. */
const lastResort = ({ contentFormats }: Registration): number[] =>
  contentFormats.length === 0 ? [CONTENT_FORMAT.JSON].filter(isKnown) : [];

export function createFormatChoice(): FormatChoice {
  const refusals = new Map<string, ReadonlySet<number>>();
  return {
    formats(registration, path) {
      const preferred = preferredFormats(registration.version, registration.contentFormats, path);
      const all = [...new Set([...chosen(registration, path), ...preferred, ...lastResort(registration)])];
      const refused = refusals.get(registration.id);
      if (!refused) return all;
      return [...all.filter(format => !refused.has(format)), ...all.filter(format => refused.has(format))];
    },
    refused({ id }, contentFormat) {
      refusals.set(id, new Set([...(refusals.get(id) ?? []), contentFormat]));
    },
    forget: id => void refusals.delete(id),
  };
}
