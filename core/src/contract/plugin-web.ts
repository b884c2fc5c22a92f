/** What a plugin adds to the REST API and to the console: routes and pages below its own path. Neither knows the HTTP framework. */

export type RouteMethod = "GET" | "POST" | "PUT" | "DELETE";

/** Who asks: authenticated, and allowed by the route's roles. */
export interface PluginUser {
  readonly tenant: string;
  readonly userName: string;
  /** The account of a device. */
  readonly isDevice: boolean;
  /** All roles that the user has in the end. */
  readonly roles: readonly string[];
}

export interface PluginRequest {
  readonly method: RouteMethod;
  /** Below the plugin's own path, as it was sent: `/meters/7`. */
  readonly path: string;
  /** What stands at `:name` in the route's path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Empty where there is none. */
  readonly contentType: string;
  readonly body: Uint8Array;
  /** The body as JSON. @throws MooringError MALFORMED, VALIDATION for what no store can keep */
  json(): unknown;
  readonly user: PluginUser;
}

/** Either `json` or `body`, or neither: 204 then. */
export interface PluginAnswer {
  /** 200 to 599; default 200. */
  readonly status?: number;
  readonly json?: unknown;
  readonly body?: Uint8Array | string;
  /** Of `body`; default `application/octet-stream`, of a text `text/plain`. */
  readonly contentType?: string;
  /** `Location`, `ETag`, `Last-Modified`, `Content-Disposition` and `Retry-After`; no others. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Served at `/service/lwm2m-agent/plugins/<plugin><path>` for users of every tenant; what belongs to whom is the route's to see to (`request.user.tenant`).
 */
export interface PluginRoute {
  readonly method: RouteMethod;
  /** Segments of letters, digits and `._~-`, or `:name` for any: `/meters/:id`. The first may not be `pages`. A fixed segment goes before a `:name`. */
  readonly path: string;
  /** Any of these allows, as do all of an administrator; empty: every user, devices too. */
  readonly roles: readonly string[];
  /** Largest body, at most the host's `http.maxBodyBytes`; default 65 536. */
  readonly maxBodyBytes?: number;
  /**
   * Within 30 s. A MooringError VALIDATION, MALFORMED, NOT_FOUND, DUPLICATE, CONFLICT, FORBIDDEN, TOO_LARGE or TOO_MANY_REQUESTS is the caller's
   * and answered as it is; anything else that it throws is the plugin's failure and answered 502.
   */
  handle(request: PluginRequest): PluginAnswer | Promise<PluginAnswer>;
}

/** Static files, served at `/service/lwm2m-agent/plugins/<plugin>/pages/<name>/`; scripts and styles come from files alone. */
export interface PluginPage {
  /** `[a-z0-9-]{1,64}`, unique within the plugin. */
  readonly name: string;
  /** For a menu. */
  readonly title: string;
  /** Folder below the plugin's own whose files are served: `pages/meters`. */
  readonly folder: string;
  /** Default `index.html`. */
  readonly index?: string;
}
