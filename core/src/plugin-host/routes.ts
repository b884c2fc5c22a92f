/** Routes of plugins: by plugin, method and path. What they answer is checked here, so that HTTP can send it as it is. */
import { MooringError } from "../base/errors.ts";
import type { PluginAnswer, PluginRoute, RouteMethod } from "../contract/plugin-web.ts";

/** An answer ready to be sent. */
export interface SentAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: no content. */
  readonly body?: Uint8Array | string;
}

/** As the registry keeps it: its answers are checked. */
export interface ServedRoute extends Omit<PluginRoute, "handle"> {
  handle(request: Parameters<PluginRoute["handle"]>[0]): Promise<SentAnswer>;
}

export interface RouteMatch {
  readonly route: ServedRoute;
  readonly params: Readonly<Record<string, string>>;
}

export interface Routes {
  /** @throws MooringError PLUGIN_INVALID for a route that cannot be, or is taken within the plugin. Disposing removes it. */
  add(plugin: string, route: ServedRoute): Disposable;
  /**
   * @param path below the plugin's own, percent-encoded
   * @returns the route; `allowed`: the methods of a path that has others; undefined: no such path
   * @throws MooringError MALFORMED for a path that cannot be decoded
   */
  find(
    plugin: string,
    method: string,
    path: string,
  ): RouteMatch | { readonly allowed: readonly RouteMethod[] } | undefined;
  list(plugin: string): readonly ServedRoute[];
}

const METHODS: readonly string[] = ["GET", "POST", "PUT", "DELETE"] satisfies readonly RouteMethod[];
const PATH = /^(?:\/(?:[A-Za-z0-9._~-]+|:[A-Za-z][A-Za-z0-9]*))+$/;
const ROLE = /^[A-Z][A-Z0-9_]{0,63}$/;
/** Where pages are served. */
const KEPT = "pages";
const HEADERS: ReadonlySet<string> = new Set([
  "location",
  "etag",
  "last-modified",
  "content-disposition",
  "retry-after",
]);
const PRINTABLE = /^[\x20-\x7e]{1,2048}$/;
const MEDIA_TYPE = /^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:; ?[\w.+-]+=[\w.+-]+)*$/;

const isVariable = (segment: string): boolean => segment.startsWith(":");
const segmentsOf = (path: string): string[] => path.split("/").slice(1);
/** The same for two routes that take the same paths. */
const shapeOf = ({ method, path }: Pick<PluginRoute, "method" | "path">): string =>
  `${method} ${segmentsOf(path)
    .map(segment => (isVariable(segment) ? ":" : segment))
    .join("/")}`;

/** Whatever stands for a fixed segment goes before what stands for any. */
const rankOf = ({ path }: PluginRoute | ServedRoute): string =>
  segmentsOf(path)
    .map(segment => (isVariable(segment) ? "1" : "0"))
    .join("");

function checkRoute(plugin: string, route: PluginRoute | ServedRoute): void {
  const { method, path, roles, maxBodyBytes, handle } = route;
  const refuse = (field: string, rule: string): never => {
    const message = `plugin ${plugin}: ${field} of route ${method} ${path} ${rule}`;
    throw new MooringError("PLUGIN_INVALID", message, { plugin, field, rule });
  };
  if (!METHODS.includes(method)) refuse("method", `must be one of ${METHODS.join(", ")}`);
  const isPath = typeof path === "string" && path.length <= 256 && PATH.test(path);
  if (!isPath || segmentsOf(path).some(segment => segment === "." || segment === "..")) {
    refuse("path", "must be of segments such as /meters/:id");
  }
  if (segmentsOf(path)[0] === KEPT) refuse("path", `must not begin with /${KEPT}`);
  const variables = segmentsOf(path).filter(isVariable);
  if (new Set(variables).size < variables.length) refuse("path", "must not name a segment twice");
  const areRoles = Array.isArray(roles) && roles.every(role => typeof role === "string" && ROLE.test(role));
  if (!areRoles) refuse("roles", "must be a list of roles such as ROLE_INVENTORY_READ");
  const isSize = maxBodyBytes === undefined || (Number.isSafeInteger(maxBodyBytes) && maxBodyBytes >= 0);
  if (!isSize) refuse("maxBodyBytes", "must be a whole number of 0 or more");
  if (typeof handle !== "function") refuse("handle", "must be a function");
}

/** What stands at the variables of `path`; undefined: it is another path. */
function match(path: string, given: readonly string[]): Record<string, string> | undefined {
  const wanted = segmentsOf(path);
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, segment] of wanted.entries()) {
    if (isVariable(segment) && given[at] !== "") params[segment.slice(1)] = given[at]!;
    else if (segment !== given[at]) return undefined;
  }
  return params;
}

function decode(path: string): string[] {
  try {
    return segmentsOf(path).map(decodeURIComponent);
  } catch (cause) {
    throw new MooringError("MALFORMED", "the path is not percent-encoded UTF-8", {}, { cause });
  }
}

export function createRoutes(): Routes {
  const byPlugin = new Map<string, Map<string, ServedRoute>>();
  const list = (plugin: string): ServedRoute[] => [...(byPlugin.get(plugin)?.values() ?? [])];
  return {
    add(plugin, route) {
      checkRoute(plugin, route);
      const own = byPlugin.get(plugin) ?? new Map<string, ServedRoute>();
      const shape = shapeOf(route);
      if (own.has(shape)) {
        const rule = "is taken";
        const message = `plugin ${plugin}: route ${route.method} ${route.path} ${rule}`;
        throw new MooringError("PLUGIN_INVALID", message, { plugin, field: "path", rule });
      }
      byPlugin.set(plugin, own.set(shape, route));
      return {
        [Symbol.dispose]() {
          if (own.get(shape) === route) own.delete(shape);
        },
      };
    },
    find(plugin, method, path) {
      const segments = decode(path);
      const fitting = list(plugin)
        .map(route => ({ route, params: match(route.path, segments) }))
        .filter((found): found is RouteMatch => found.params !== undefined)
        .sort((a, b) => (rankOf(a.route) < rankOf(b.route) ? -1 : 1));
      if (fitting.length === 0) return undefined;
      const wanted = method === "HEAD" ? "GET" : method;
      const found = fitting.find(({ route }) => route.method === wanted);
      return found ?? { allowed: [...new Set(fitting.map(({ route }) => route.method))] };
    },
    list,
  };
}

function checkedHeaders(given: Readonly<Record<string, string>>): Record<string, string> {
  for (const [name, value] of Object.entries(given)) {
    if (!HEADERS.has(name.toLowerCase())) throw new RangeError(`header ${name} is not a route's to set`);
    if (typeof value !== "string" || !PRINTABLE.test(value))
      throw new RangeError(`header ${name} must be printable ASCII`);
  }
  return { ...given };
}

/** @throws Error for what no answer can be made of: the plugin's failure */
export function sentAnswer(answer: PluginAnswer): SentAnswer {
  if (typeof answer !== "object" || answer === null) throw new TypeError("a route must give an answer");
  const { json, body, contentType, headers = {} } = answer;
  const { status = json === undefined && body === undefined ? 204 : 200 } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new RangeError(`${status} is no status of an answer`);
  const sent = checkedHeaders(headers);
  if (json !== undefined) {
    if (body !== undefined) throw new TypeError("an answer has json or a body, not both");
    return {
      status,
      headers: { ...sent, "Content-Type": "application/json;charset=UTF-8" },
      body: JSON.stringify(json),
    };
  }
  if (body === undefined) return { status, headers: sent };
  const isText = typeof body === "string";
  if (!isText && !(body instanceof Uint8Array)) throw new TypeError("a body is text or bytes");
  const type = contentType ?? (isText ? "text/plain;charset=UTF-8" : "application/octet-stream");
  if (!MEDIA_TYPE.test(type.replace(/;\s*/g, "; "))) throw new RangeError(`${type} is no media type`);
  return { status, headers: { ...sent, "Content-Type": type }, body };
}
