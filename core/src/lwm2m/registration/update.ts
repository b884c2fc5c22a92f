/** Update: what a request changes in a registration, and from where it may come. Pure. */
import type { Peer } from "../../transport/transport.ts";
import type { RegistrationLinks } from "../codecs/link-format.ts";
import type { RegistrationQuery } from "../wire/registration-query.ts";
import { sameProof } from "./peer-identity.ts";
import type { Registration } from "./registration.ts";

/** What an Update changed. */
export interface RegistrationChanges {
  /** Lifetime, binding, queue mode or awake time. */
  readonly parameters: boolean;
  /** The list of objects and instances. */
  readonly objectLinks: boolean;
  /** It comes as another peer. A new address of the same peer (Connection ID) is no change of the registration. */
  readonly address: boolean;
}

export const NO_CHANGES: RegistrationChanges = Object.freeze({ parameters: false, objectLinks: false, address: false });

/** `same-ip`: a device without a proven identity may come from another port of its address. `never`: only from the same port. */
export type FollowAddress = "same-ip" | "never";

/**
 * Whether `peer` may speak for a registration made from `registered`. A proven identity decides where there is one; otherwise the address
 * does, as NAT gives devices new ports in their sleep. Refused devices are answered 4.04, so that they register anew.
 */
export function maySpeakFor(registered: Peer, peer: Peer, policy: FollowAddress): boolean {
  if (registered.key === peer.key) return true;
  if (registered.identity || peer.identity) return sameProof(registered, peer);
  return policy === "same-ip" && registered.address === peer.address;
}

/** As JSON: links that came from the store have other prototypes than those just parsed. */
const sameLinks = (a: Registration["objectLinks"], b: Registration["objectLinks"]): boolean =>
  a === b || (a.length === b.length && JSON.stringify(a) === JSON.stringify(b));

const sameFormats = (a: readonly number[], b: readonly number[]): boolean =>
  a === b || (a.length === b.length && a.every((format, i) => format === b[i]));

/**
 * Merges: what the Update leaves out stays. Links replace the earlier ones as a whole (LwM2M Core 1.1.1 section 6.2.2); a list without
 * `ct` leaves the formats.
 * @returns the same registration and {@link NO_CHANGES} when everything is as before
 */
export function applyUpdate(
  before: Registration,
  query: RegistrationQuery,
  links: RegistrationLinks | undefined,
  peer: Peer,
  nowMs: number,
): { readonly registration: Registration; readonly changes: RegistrationChanges } {
  const lifetimeSeconds = query.lifetimeSeconds ?? before.lifetimeSeconds;
  const binding = query.binding ?? before.binding;
  const queueMode = query.queueMode ?? before.queueMode;
  const awakeTimeMs = query.awakeTimeMs ?? before.awakeTimeMs;
  const contentFormats = links && links.contentFormats.length > 0 ? links.contentFormats : before.contentFormats;
  const changes: RegistrationChanges = {
    parameters:
      lifetimeSeconds !== before.lifetimeSeconds ||
      binding !== before.binding ||
      queueMode !== before.queueMode ||
      awakeTimeMs !== before.awakeTimeMs ||
      !sameFormats(contentFormats, before.contentFormats),
    objectLinks: links !== undefined && !sameLinks(links.objectLinks, before.objectLinks),
    address: peer.key !== before.peer.key,
  };
  if (!changes.parameters && !changes.objectLinks && !changes.address) {
    return { registration: before, changes: NO_CHANGES };
  }
  const registration: Registration = {
    ...before,
    lifetimeSeconds,
    binding,
    queueMode,
    awakeTimeMs,
    contentFormats,
    objectLinks: changes.objectLinks && links ? links.objectLinks : before.objectLinks,
    rootPath: changes.objectLinks && links ? links.rootPath : before.rootPath,
    peer: changes.address ? peer : before.peer,
    updatedAtMs: nowMs,
  };
  return { registration, changes };
}
