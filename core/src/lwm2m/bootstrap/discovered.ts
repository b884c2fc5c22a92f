/** What a device says of itself to Bootstrap-Discover (LwM2M Core 1.1.1 section 6.1.7.3). Pure. */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { isFailure, MooringError } from "../../base/errors.ts";
import { decodeLinkFormat, type Link } from "../codecs/link-format.ts";
import { type Lwm2mPath, parsePath } from "../path.ts";
import { type Lwm2mVersion, parseLwm2mVersion } from "../version.ts";

export interface Discovered {
  /** LwM2M version that the device stated. */
  readonly version: Lwm2mVersion | undefined;
  /** Instances of the Security Object that hold its accounts with bootstrap servers, ascending. */
  readonly bootstrapInstances: readonly number[];
}

export const NOTHING_DISCOVERED: Discovered = { version: undefined, bootstrapInstances: [] };

const SECURITY = 0;

/**
 * `lwm2m="1.0",</0/0>`: the version without a link to stand at, as the examples of LwM2M 1.0 have it and devices send it.
 * The note of section 6.1.7.3 lets servers accept that.
 */
const BARE_VERSION = /^\s*lwm2m\s*=\s*"?([^",;<\s]*)"?\s*(?:,|$)/;

function versionOf(text: string | true | undefined): Lwm2mVersion | undefined {
  if (typeof text !== "string") return undefined;
  try {
    return parseLwm2mVersion(text);
  } catch (error) {
    // Another major version, or none at all: the device is served as one that says nothing.
    if (isFailure(error)) return undefined;
    throw error;
  }
}

function pathOf({ target }: Link): Lwm2mPath | undefined {
  try {
    return parsePath(target);
  } catch (error) {
    if (isFailure(error)) return undefined;
    throw error;
  }
}

/**
 * An account with a server shows its Short Server ID, one with a bootstrap server none. Some devices show an id there too, one that
 * no server can have.
 */
function bootstrapInstances(links: readonly Link[]): number[] {
  const accounts = links.flatMap(link => {
    const [object, instance, ...below] = pathOf(link) ?? [];
    if (object !== SECURITY || instance === undefined || below.length > 0) return [];
    return [{ instance, shortServerId: link.attributes["ssid"] }];
  });
  const unnamed = accounts.filter(({ shortServerId }) => typeof shortServerId !== "string");
  const found =
    unnamed.length > 0 ? unnamed : accounts.filter(({ shortServerId }) => /^(0|65535)$/.test(`${shortServerId}`));
  return [...new Set(found.map(({ instance }) => instance))].sort((a, b) => a - b);
}

/**
 * @param payload of the answer to a Discover of `/0` or `/`
 * @throws MooringError LINK_FORMAT_INVALID
 */
export function readDiscovered(payload: Uint8Array): Discovered {
  const text = decodeUtf8(payload);
  if (text === undefined) throw new MooringError("LINK_FORMAT_INVALID", "the links are not UTF-8 text");
  const bare = BARE_VERSION.exec(text);
  const links = decodeLinkFormat(encodeUtf8(bare ? text.slice(bare[0].length) : text));
  const stated = bare?.[1] ?? links.find(link => "lwm2m" in link.attributes)?.attributes["lwm2m"];
  return { version: versionOf(stated), bootstrapInstances: bootstrapInstances(links) };
}
