/**
 * A LwM2M 1.1 client of our own for what Leshan's cannot play: attributes of a server's own, and periods for composite observations
 * (LwM2M Core 1.1.1 sections 5.1.2, 6.3, 6.4.7). It is one account with one server; two of them on the same values are a client with two.
 * It offers SenML JSON alone, reads and writes it with JSON.parse, and acknowledges nothing twice: the way to the host loses nothing.
 */
import { openRawDevice, type RawAnswer, type RawDevice } from "../../harness/raw-device.ts";
import { optionNumber, optionValues, type Received, uintBytes, uriPath } from "../../harness/raw-socket.ts";

const SENML_JSON = 110;
const LINK_FORMAT = 40;

export type ScriptValue = string | number | boolean;

export interface ScriptClient extends AsyncDisposable {
  /** Requests of the server, oldest first: code, path and query, such as `0.03 /3?pmin=10`. */
  readonly asked: readonly string[];
  /** Notifications sent: when, ms since the epoch, and the paths in them. */
  readonly notified: readonly { readonly atMs: number; readonly paths: readonly string[] }[];
  /** @returns Location-Path */
  register(): Promise<string>;
  /** Sets a value and lets composite observations know. */
  set(path: string, value: ScriptValue): void;
}

export interface ScriptClientOptions {
  readonly endpoint: string;
  readonly serverPort: number;
  /** By path of resource or resource instance. */
  readonly values: Map<string, ScriptValue>;
}

interface Attributes {
  readonly [name: string]: number;
}

interface CompositeObservation {
  readonly request: Received;
  readonly paths: readonly string[];
  observe: number;
  lastAtMs: number;
  changed: boolean;
  timer: NodeJS.Timeout | undefined;
}

interface SenmlRecord {
  readonly bn?: string;
  readonly n?: string;
  readonly v?: number;
  readonly vs?: string;
  readonly vb?: boolean;
}

const isBelow = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}/`);
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

function recordOf([n, value]: readonly [string, ScriptValue]): SenmlRecord {
  if (typeof value === "number") return { n, v: value };
  return typeof value === "boolean" ? { n, vb: value } : { n, vs: value };
}

/** Full names of a pack's records (RFC 8428 section 4.6). */
function resolved(payload: Uint8Array): Map<string, ScriptValue | undefined> {
  let base = "";
  const records = JSON.parse(Buffer.from(payload).toString()) as readonly SenmlRecord[];
  return new Map(
    records.map(({ bn, n = "", v, vs, vb }) => {
      base = bn ?? base;
      return [`${base}${n}`, v ?? vs ?? vb] as const;
    }),
  );
}

export async function openScriptClient({ endpoint, serverPort, values }: ScriptClientOptions): Promise<ScriptClient> {
  const raw: RawDevice = await openRawDevice(serverPort);
  const attributes = new Map<string, Attributes>();
  const observations = new Map<string, CompositeObservation>();
  const asked: string[] = [];
  const notified: { atMs: number; paths: readonly string[] }[] = [];

  const below = (paths: readonly string[]) =>
    [...values].filter(([path]) => paths.some(parent => parent === "/" || isBelow(path, parent)));
  const pack = (paths: readonly string[]): RawAnswer => {
    const found = below(paths);
    if (found.length === 0) return { code: "4.04" };
    return { code: "2.05", contentFormat: SENML_JSON, payload: JSON.stringify(found.map(recordOf)) };
  };
  /** Of a path and all that it inherits from. */
  const inherited = (path: string): Attributes =>
    path === "" ? {} : { ...inherited(parentOf(path)), ...attributes.get(path) };
  /** The longest pmin and the shortest pmax of all paths, ms. */
  const periods = ({ paths }: CompositeObservation) => {
    const all = paths.map(inherited);
    const named = (name: string) => all.flatMap(each => (each[name] === undefined ? [] : [each[name]]));
    return {
      leastMs: 1000 * Math.max(0, ...named("pmin")),
      mostMs: 1000 * Math.min(Number.POSITIVE_INFINITY, ...named("pmax")),
    };
  };

  const arm = (observation: CompositeObservation): void => {
    clearTimeout(observation.timer);
    const { leastMs, mostMs } = periods(observation);
    const dueMs = observation.lastAtMs + (observation.changed ? leastMs : mostMs);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    observation.timer = setTimeout(() => notify(observation), Math.max(0, dueMs - Date.now()));
  };
  const notify = (observation: CompositeObservation): void => {
    observation.lastAtMs = Date.now();
    observation.changed = false;
    notified.push({ atMs: observation.lastAtMs, paths: below(observation.paths).map(([path]) => path) });
    void raw.notify(observation.request, ++observation.observe, pack(observation.paths), true);
    arm(observation);
  };
  const changed = (path: string): void => {
    for (const observation of observations.values()) {
      if (!observation.paths.some(parent => isBelow(path, parent))) continue;
      observation.changed = true;
      arm(observation);
    }
  };

  const writeAttributes = (path: string, query: readonly string[]): RawAnswer => {
    const now = new Map(Object.entries(attributes.get(path) ?? {}));
    for (const [name = "", value] of query.map(each => each.split("="))) {
      if (value === undefined || value === "") now.delete(name);
      else now.set(name, Number(value));
    }
    attributes.set(path, Object.fromEntries(now));
    for (const observation of observations.values()) arm(observation);
    return { code: "2.04" };
  };
  const discover = (path: string): RawAnswer => {
    const resources = below([path]).map(([each]) => each.split("/").slice(0, 4).join("/"));
    const links = new Set(
      [path, ...resources].flatMap(each => [parentOf(each), each]).filter(each => isBelow(each, path)),
    );
    const text = [...links].map(link => {
      const set = Object.entries(attributes.get(link) ?? {}).map(([name, value]) => `;${name}=${value}`);
      return `<${link}>${set.join("")}`;
    });
    return { code: "2.05", contentFormat: LINK_FORMAT, payload: text.join(",") };
  };
  const fetch = (request: Received): RawAnswer => {
    const paths = [...resolved(request.payload).keys()];
    const observe = optionNumber(request, "Observe");
    const key = request.token.toString("hex");
    const answer = pack(paths);
    if (observe === 1) {
      clearTimeout(observations.get(key)?.timer);
      observations.delete(key);
    }
    if (observe !== 0 || answer.code !== "2.05") return answer;
    const observation = { request, paths, observe: 1, lastAtMs: Date.now(), changed: false, timer: undefined };
    observations.set(key, observation);
    arm(observation);
    return { ...answer, options: [{ name: "Observe", value: uintBytes(1) }] };
  };
  const create = (object: string, request: Received): RawAnswer => {
    const made = [...resolved(request.payload)];
    for (const [path, value] of made) if (value !== undefined) values.set(path, value);
    const [first = ""] = made[0] ?? [];
    changed(first);
    const location = [object.slice(1), first.split("/")[2] ?? "0"];
    return { code: "2.01", options: location.map(each => ({ name: "Location-Path", value: Buffer.from(each) })) };
  };
  const remove = (path: string): RawAnswer => {
    const gone = below([path]).map(([each]) => each);
    for (const each of gone) values.delete(each);
    for (const each of gone) changed(each);
    return { code: gone.length > 0 ? "2.02" : "4.04" };
  };

  const answerTo = (request: Received): RawAnswer => {
    const path = uriPath(request);
    const query = optionValues(request, "Uri-Query").map(String);
    asked.push(`${request.code} ${path}${query.length > 0 ? `?${query.join("&")}` : ""}`);
    switch (request.code) {
      case "0.01":
        return optionNumber(request, "Accept") === LINK_FORMAT ? discover(path) : pack([path]);
      case "0.02":
        return create(path, request);
      case "0.03":
        return query.length > 0 ? writeAttributes(path, query) : { code: "4.05" };
      case "0.04":
        return remove(path);
      case "0.05":
        return fetch(request);
      default:
        return { code: "4.05" };
    }
  };
  raw.socket.onMessage(message => {
    if (message.ack || message.reset || message.code === "0.00" || message.code >= "1.00") return false;
    void raw.answer(message, answerTo(message));
    return true;
  });

  return {
    asked,
    notified,
    register() {
      const instances = new Set([...values.keys()].map(path => path.split("/").slice(0, 3).join("/")));
      const links = [`</>;rt="oma.lwm2m";ct=${SENML_JSON}`, ...[...instances].map(path => `<${path}>`)];
      return raw.register({ endpoint, query: "lt=3600&lwm2m=1.1&b=U", links: links.join(",") });
    },
    set(path, value) {
      values.set(path, value);
      changed(path);
    },
    async [Symbol.asyncDispose]() {
      for (const { timer } of observations.values()) clearTimeout(timer);
      await raw[Symbol.asyncDispose]();
    },
  };
}
