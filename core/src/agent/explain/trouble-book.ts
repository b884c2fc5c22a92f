/**
 * What went wrong lately, by whom it concerns: an endpoint, or a name that knocked and was not known. Kept in memory, the latest of
 * each kind, so that somebody who asks why a device is silent is told by what was seen.
 */
import type { Clock } from "../../base/clock.ts";
import type { DeviceTrouble } from "../../lwm2m/server/lwm2m-server.ts";
import type { FailedHandshake } from "../../transport/dtls/dtls.ts";
import type { Connection } from "../device-accounts.ts";

export interface Trouble {
  readonly kind: "handshakeFailed" | DeviceTrouble["kind"] | "observeRefused" | "observeFailed";
  /** For people. */
  readonly reason: string;
  /** Where it was, if it was about one path. */
  readonly path?: string;
  /** From where it came. */
  readonly address?: string;
  /** PSK identity that was named. */
  readonly identity?: string;
  readonly code?: string;
  /** The first and the last time, ms since the epoch, and how often. */
  readonly sinceMs: number;
  readonly atMs: number;
  readonly count: number;
}

export type NewTrouble = Omit<Trouble, "sinceMs" | "atMs" | "count">;

export interface TroubleBook {
  /** Also of a path that is all right again: what was noted of it is gone. */
  note(endpoint: string, trouble: NewTrouble): void;
  clear(endpoint: string, kinds: readonly Trouble["kind"][], path?: string): void;
  handshake(connection: Connection, failure: FailedHandshake): void;
  device(trouble: DeviceTrouble): void;
  /** The latest first. */
  of(endpoint: string): readonly Trouble[];
  /** Of a PSK identity: the same one may be another device's on the other connection. */
  ofIdentity(connection: Connection, identity: string): readonly Trouble[];
  /** Identities that nobody has, the latest first. */
  unknownIdentities(): readonly Trouble[];
  forget(endpoint: string): void;
}

/** Subjects with troubles, and troubles of one: the one heard of longest ago goes first. */
const MOST_SUBJECTS = 20_000;
const MOST_OF_ONE = 64;
const MOST_STRANGERS = 200;
const LONGEST_NAME = 200;

const UNKNOWN = "unknown-identity";

/** A map that forgets what was touched longest ago. */
function touch<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value!);
}

export function createTroubleBook(clock: Pick<Clock, "now">): TroubleBook {
  /** By `endpoint <name>` or `<connection> <identity>`, then by kind and path. */
  const subjects = new Map<string, Map<string, Trouble>>();
  const strangers = new Map<string, Trouble>();

  const keyOf = ({ kind, path }: Pick<Trouble, "kind" | "path">): string => `${kind} ${path ?? ""}`;
  const newestFirst = (troubles: Iterable<Trouble>): Trouble[] => [...troubles].toSorted((a, b) => b.atMs - a.atMs);

  function enter(into: Map<string, Trouble>, key: string, trouble: NewTrouble, most: number): void {
    const atMs = clock.now();
    const before = into.get(key);
    const isSame = before?.reason === trouble.reason;
    const [sinceMs, count] = isSame ? [before.sinceMs, before.count + 1] : [atMs, 1];
    touch(into, key, { ...trouble, sinceMs, atMs, count }, most);
  }

  function noteOf(subject: string, trouble: NewTrouble): void {
    const known = subjects.get(subject) ?? new Map<string, Trouble>();
    touch(subjects, subject, known, MOST_SUBJECTS);
    enter(known, keyOf(trouble), trouble, MOST_OF_ONE);
  }

  return {
    note: (endpoint, trouble) => noteOf(`endpoint ${endpoint}`, trouble),
    clear(endpoint, kinds, path) {
      const known = subjects.get(`endpoint ${endpoint}`);
      for (const kind of known ? kinds : []) known!.delete(keyOf({ kind, ...(path !== undefined && { path }) }));
    },
    handshake(connection, { reason, identity, address, port }) {
      if (identity === undefined || identity.length > LONGEST_NAME) return;
      const trouble: NewTrouble = { kind: "handshakeFailed", reason, identity, address: `${address}:${port}` };
      if (reason === UNKNOWN) enter(strangers, identity, trouble, MOST_STRANGERS);
      else noteOf(`${connection} ${identity}`, trouble);
    },
    device({ endpoint, ...trouble }) {
      if (endpoint.length > LONGEST_NAME) return;
      if (trouble.kind !== "registerRefused") return noteOf(`endpoint ${endpoint}`, trouble);
      const { peer, kind, code, reason } = trouble;
      noteOf(`endpoint ${endpoint}`, {
        ...{ kind, code, reason, address: `${peer.address}:${peer.port}` },
        ...(peer.identity?.kind === "psk" && { identity: peer.identity.identity }),
      });
    },
    of: endpoint => newestFirst(subjects.get(`endpoint ${endpoint}`)?.values() ?? []),
    ofIdentity: (connection, identity) => newestFirst(subjects.get(`${connection} ${identity}`)?.values() ?? []),
    unknownIdentities: () => newestFirst(strangers.values()),
    forget: endpoint => void subjects.delete(`endpoint ${endpoint}`),
  };
}
