/**
 * Why is a device silent: the way of its values from handshake to store, link by link, and the first one that is broken, with what
 * was seen of it. Pure: facts in, explanation out.
 */
import type { Facts, ObjectFacts } from "./facts.ts";
import type { Trouble } from "./trouble-book.ts";

export const LINKS = [
  "account",
  "handshake",
  "registration",
  "reachability",
  "model",
  "observation",
  "notification",
  "mapping",
  "decoder",
  "store",
] as const;
export type Link = (typeof LINKS)[number];

/** `waiting`: it holds, but not now. `unknown`: nothing can be said before an earlier one holds. */
export type LinkState = "ok" | "broken" | "waiting" | "unknown";

/** Names of faults: stable, for programs. */
export type Fault =
  | "disabled"
  | "wrong-key"
  | "unknown-identity"
  | "handshake-failed"
  | "registration-refused"
  | "never-seen"
  | "deregistered"
  | "expired"
  | "asleep"
  | "no-ddf"
  | "version-mismatch"
  | "nothing-mapped"
  | "observe-refused"
  | "observe-not-kept"
  | "reset"
  | "no-answer"
  | "observation-ended"
  | "undecodable"
  | "not-numeric"
  | "decoder-missing"
  | "decoder-paused"
  | "decoder-failed"
  | "decoder-behind"
  | "store-refuses";

export interface LinkReport {
  readonly link: Link;
  readonly state: LinkState;
  readonly fault?: Fault;
  /** One sentence for people. */
  readonly text: string;
  /** What was seen: small, printable. */
  readonly evidence?: Readonly<Record<string, unknown>>;
}

export interface Explanation {
  readonly endpoint: string;
  /** The first broken link, else the first that waits; absent: all hold. */
  readonly verdict?: LinkReport;
  readonly links: readonly LinkReport[];
}

type Report = Omit<LinkReport, "link">;

const ok = (text: string, evidence?: LinkReport["evidence"]): Report => ({
  state: "ok",
  text,
  ...(evidence && { evidence }),
});
const broken = (fault: Fault, text: string, evidence?: LinkReport["evidence"]): Report => ({
  state: "broken",
  fault,
  text,
  ...(evidence && { evidence }),
});

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
const time = (ms: number): string => new Date(ms).toISOString();
const MOST_SHOWN = 10;

const seen = ({ reason, sinceMs, atMs, count, address, identity, path, code }: Trouble): Record<string, unknown> => ({
  reason,
  ...(path !== undefined && { path }),
  ...(code !== undefined && { code }),
  ...(identity !== undefined && { identity }),
  ...(address !== undefined && { address }),
  count,
  first: time(sinceMs),
  last: time(atMs),
});

const newest = (troubles: readonly Trouble[], kinds: readonly Trouble["kind"][]): Trouble | undefined =>
  troubles.find(({ kind }) => kinds.includes(kind));

const MODE_WORDS = {
  NO_SEC: "without security",
  PSK: "with a pre-shared key",
  X509: "with a certificate",
  DISABLED: "not at all",
} as const;

function account({ mode, pskIdentity }: Facts): Report {
  if (mode === "DISABLED") return broken("disabled", "the connection of the device with this server is switched off");
  return ok(`the device is to come ${MODE_WORDS[mode]}`, pskIdentity === undefined ? { mode } : { mode, pskIdentity });
}

/** Somebody that calls itself nearly as the device does: who else should it be? */
const strangerLike = ({ endpoint, unknownIdentities }: Facts, names: readonly string[]): Trouble | undefined =>
  unknownIdentities.find(({ identity = "" }) => [endpoint, ...names].some(name => identity.includes(name)));

function handshake(facts: Facts): Report {
  const { mode, registration, handshakes, pskIdentity, bootstrapIdentity } = facts;
  const since = registration?.isSecured ? registration.registeredAtMs : 0;
  const failed = handshakes.find(({ atMs }) => atMs > since);
  if (failed && !registration) {
    if (failed.reason === "not-authentic")
      return broken("wrong-key", `somebody comes with the identity "${failed.identity}" and another key`, seen(failed));
    return broken("handshake-failed", `handshakes of the device fail (${failed.reason})`, seen(failed));
  }
  if (registration && mode !== "NO_SEC") return ok("the device has a session", failed && { failedSince: seen(failed) });
  const names = [...new Set([pskIdentity, bootstrapIdentity])].filter(name => name !== undefined);
  const stranger = names.length > 0 && !registration ? strangerLike(facts, names) : undefined;
  const refused = newest(facts.troubles, ["registerRefused"]);
  if (stranger && stranger.atMs > (refused?.atMs ?? 0)) {
    const wanted = names.map(name => `"${name}"`).join(" or ");
    const text = `the device is to name itself ${wanted}; "${stranger.identity}" came, which nobody is`;
    return broken("unknown-identity", text, seen(stranger));
  }
  if (mode === "NO_SEC") return ok("none is needed");
  // Whose they are is not known, so they are counted and not named.
  const unknownIdentities = mode === "PSK" ? facts.unknownIdentities.length : 0;
  const text = "no handshake of the device was seen";
  return { state: "unknown", text, ...(unknownIdentities > 0 && { evidence: { unknownIdentities } }) };
}

function registration({ registration: live, troubles, ended }: Facts): Report {
  const refused = newest(troubles, ["registerRefused"]);
  if (live)
    return ok(`registered since ${time(live.registeredAtMs)}`, { registrationId: live.id, address: live.address });
  if (refused && refused.atMs > (ended?.atMs ?? 0)) {
    return broken("registration-refused", `its Register was refused: ${refused.reason}`, seen(refused));
  }
  if (!ended) return broken("never-seen", "the device has never registered, and nothing of it was heard lately");
  const isExpired = ended.text.includes("expired");
  const text = isExpired ? "its registration expired: nothing was heard in its lifetime" : "it de-registered";
  return broken(isExpired ? "expired" : "deregistered", `${text} (${time(ended.atMs)})`, { at: time(ended.atMs) });
}

function reachability({ registration: live, operationsWaiting }: Facts): Report {
  if (!live) return { state: "unknown", text: "it is not registered" };
  const evidence = { lastSeen: time(live.lastSeenMs), operationsWaiting };
  if (live.isAwake) return ok("it can be reached now", evidence);
  const text = `it sleeps since some time after ${time(live.lastSeenMs)}; ${operationsWaiting} operations wait for it`;
  return { state: "waiting", fault: "asleep", text, evidence };
}

const major = (version: string): string => version.split(".", 1)[0]!;
const isOther = ({ version, modelVersion }: ObjectFacts): boolean =>
  version !== undefined && modelVersion !== undefined && major(version) !== major(modelVersion);

function model({ registration: live, objects, mappingAlarms }: Facts): Report {
  if (!live) return { state: "unknown", text: "what it carries is known when it registers" };
  const unknown = objects.filter(({ modelVersion }) => modelVersion === undefined);
  const asked = unknown.filter(({ objectId }) =>
    mappingAlarms.some(({ type }) => type.endsWith(`NoMapping_${objectId}`)),
  );
  const other = objects.filter(isOther);
  if (other.length > 0) {
    const [{ objectId, version, modelVersion }] = other as [ObjectFacts];
    const text = `object /${objectId} is version ${version} on the device, ${modelVersion} is what is known here: upload its object file`;
    return broken("version-mismatch", text, { objects: other.slice(0, MOST_SHOWN) });
  }
  const missing = asked.length > 0 ? asked : objects.length === unknown.length ? unknown : [];
  if (missing.length > 0) {
    const ids = missing.map(({ objectId }) => `/${objectId}`).slice(0, MOST_SHOWN);
    return broken("no-ddf", `no object file describes ${ids.join(", ")}: upload it`, { objects: ids });
  }
  const ids = unknown.map(({ objectId }) => objectId).slice(0, MOST_SHOWN);
  return ok("what it carries is known", ids.length > 0 ? { withoutObjectFile: ids } : undefined);
}

const OBSERVE_KINDS: readonly Trouble["kind"][] = ["observeRefused", "observeFailed", "observationEnded"];

function observeFault({ kind, reason, code }: Trouble): Fault {
  if (kind === "observationEnded") return "observation-ended";
  if (kind === "observeRefused") return code === undefined ? "observe-not-kept" : "observe-refused";
  return /reset/i.test(reason) ? "reset" : "no-answer";
}

function observation({ registration: live, wanted, observed, troubles, objects }: Facts): Report {
  if (!live) return { state: "unknown", text: "it is not registered" };
  if (wanted.length === 0 && observed.length === 0) {
    const mapped = objects.filter(({ hasMapping }) => hasMapping).map(({ objectId }) => objectId);
    const text =
      mapped.length > 0
        ? "no mapping of what it carries asks to be observed: values come by Send and by commands alone"
        : "nothing that it carries is mapped to anything";
    return broken("nothing-mapped", text, {
      objects: objects.map(({ objectId }) => objectId).slice(0, MOST_SHOWN),
      mapped,
    });
  }
  const missing = wanted.filter(path => !observed.includes(path));
  const trouble = troubles.find(({ kind, path }) => OBSERVE_KINDS.includes(kind) && missing.includes(path ?? ""));
  if (trouble)
    return broken(observeFault(trouble), `${trouble.path} is not observed: ${trouble.reason}`, seen(trouble));
  const evidence = { observed: observed.slice(0, MOST_SHOWN), missing: missing.slice(0, MOST_SHOWN) };
  if (missing.length === 0) return ok(`${counted(observed.length, "path")} observed`, evidence);
  return { state: "waiting", text: `${counted(missing.length, "path")} still to be observed`, evidence };
}

function notification({ registration: live, troubles, measuredAtMs }: Facts): Report {
  if (!live) return { state: "unknown", text: "it is not registered" };
  const undecodable = newest(troubles, ["undecodable"]);
  if (undecodable && undecodable.atMs >= live.registeredAtMs && undecodable.atMs > (measuredAtMs ?? 0)) {
    return broken(
      "undecodable",
      `values of ${undecodable.path} cannot be read: ${undecodable.reason}`,
      seen(undecodable),
    );
  }
  const notified = counted(Math.round(live.notificationsPerMinute), "notification");
  return ok(`${notified} in the last minute`, { lastSeen: time(live.lastSeenMs) });
}

function mapping({ mappingAlarms, objects }: Facts): Report {
  const failure = mappingAlarms.find(({ type }) => type.includes("MappingFailure"));
  if (failure) return broken("not-numeric", failure.text, { alarm: failure.type, at: time(failure.atMs) });
  const mapped = objects.filter(({ hasMapping }) => hasMapping).map(({ objectId }) => objectId);
  return ok(mapped.length > 0 ? "values are mapped" : "nothing is mapped", { objects: mapped.slice(0, MOST_SHOWN) });
}

function decoder({ decoders }: Facts): Report {
  for (const { key, isLoaded, waiting, pause, failure, decodedAtMs = 0 } of decoders) {
    if (!isLoaded) return broken("decoder-missing", `the decoder ${key} is not there`, { decoder: key, waiting });
    if (pause) {
      const text = `the decoder ${key} is left alone until ${time(pause.untilMs)}: ${pause.reason}`;
      return broken("decoder-paused", text, { decoder: key, until: time(pause.untilMs), waiting });
    }
    if (failure && failure.atMs > decodedAtMs) {
      const { path, reason, atMs } = failure;
      const text = `the decoder ${key} gave up the payload of ${path}: ${reason}`;
      return broken("decoder-failed", text, { decoder: key, path, reason, at: time(atMs), waiting });
    }
    if (waiting > 0) {
      const text = `${waiting} payloads wait for the decoder ${key}`;
      return { state: "waiting", fault: "decoder-behind", text, evidence: { decoder: key, waiting } };
    }
  }
  return ok(decoders.length > 0 ? "its decoders work" : "none is asked");
}

function store({ storeTrouble, measuredAtMs }: Facts): Report {
  if (storeTrouble !== undefined) return broken("store-refuses", `the store does not take anything: ${storeTrouble}`);
  return measuredAtMs === undefined
    ? ok("no measurement of it is stored")
    : ok(`the latest measurement is of ${time(measuredAtMs)}`);
}

const REPORTS: Readonly<Record<Link, (facts: Facts) => Report>> = {
  account,
  handshake,
  registration,
  reachability,
  model,
  observation,
  notification,
  mapping,
  decoder,
  store,
};

export function explain(facts: Facts): Explanation {
  const links = LINKS.map((link): LinkReport => ({ link, ...REPORTS[link](facts) }));
  const verdict = links.find(({ state }) => state === "broken") ?? links.find(({ state }) => state === "waiting");
  return { endpoint: facts.endpoint, ...(verdict && { verdict }), links };
}
