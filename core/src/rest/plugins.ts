/**
 * `/service/lwm2m-agent/plugins`: plugins of the host, and below each what it serves itself; paths and bodies are ours. A plugin works
 * for all tenants, so only users of the operator's manage it.
 */
import { MooringError } from "../base/errors.ts";
import { compileSchema } from "../base/schema.ts";
import type { PluginRequest, RouteMethod } from "../contract/plugin-web.ts";
import type { Plugins, PluginView } from "../plugin-host/host.ts";
import type { Pages } from "../plugin-host/pages.ts";
import type { Routes, SentAnswer } from "../plugin-host/routes.ts";
import { effectiveRoles, isAdministrator } from "../tenants/user.ts";
import {
  answerPlain,
  createRouter,
  jsonBody,
  may,
  type RestContext,
  type RestLimits,
  type RestRouter,
  tenantOf,
} from "./context.ts";
import { parseJson, readBody } from "./json-body.ts";

const AGENT = "/service/lwm2m-agent";
const PATH = `${AGENT}/plugins`;
const PAGES = `${AGENT}/pluginPages`;
const SMALL_BODY_BYTES = 65_536;

export interface PluginServices {
  readonly plugins: Pick<Plugins, "list" | "get" | "enable" | "disable" | "reload" | "discover">;
  readonly routes: Pick<Routes, "find" | "list">;
  readonly pages: Pick<Pages, "list" | "file">;
  /** Whether the host is that tenant's to run. */
  isOperator(tenant: string): boolean;
}

export interface PluginsRouterParts {
  readonly pluginServices: PluginServices;
  readonly limits: RestLimits;
}

interface PluginChange {
  readonly action: "enable" | "disable" | "reload";
  readonly cascade?: boolean;
}
const checkChange = compileSchema<PluginChange>({
  type: "object",
  required: ["action"],
  additionalProperties: false,
  properties: { action: { enum: ["enable", "disable", "reload"] }, cascade: { type: "boolean" } },
});
const checkLook = compileSchema<{ readonly action: "discover" }>({
  type: "object",
  required: ["action"],
  additionalProperties: false,
  properties: { action: { enum: ["discover"] } },
});

/** Only for files of the page itself, and for the API: no inline script, nobody else's host, no frame of others. */
function pagePolicy(base: string): string {
  const own = ["script-src", "style-src", "img-src", "font-src"].map(kind => `${kind} ${base}`);
  const rest = ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'"];
  return [...rest, ...own, "frame-ancestors 'self'"].join("; ");
}

const present = ({ figures, manifest, ...view }: PluginView, { routes, pages }: PluginServices) => ({
  ...view,
  ...(manifest && {
    version: manifest.version,
    ...(manifest.description !== undefined && { description: manifest.description }),
    contract: manifest.contract,
    permissions: manifest.permissions,
    dependencies: manifest.dependencies ?? {},
    ...(manifest.configuration && { configuration: manifest.configuration }),
  }),
  routes: routes
    .list(view.name)
    .map(({ method, path, roles }) => ({ method, path: `${PATH}/${view.name}${path}`, roles })),
  pages: pages
    .list()
    .filter(({ plugin }) => plugin === view.name)
    .map(presentPage),
  calls: Object.fromEntries(
    Object.entries(figures)
      .filter(([, { calls, failures }]) => calls + failures > 0)
      .map(([point, { calls, failures, ms }]) => [point, { calls, failures, seconds: Math.round(ms) / 1000 }]),
  ),
});

const presentPage = ({ plugin, page: { name, title } }: ReturnType<Pages["list"]>[number]) => ({
  plugin,
  name,
  title,
  url: `${PATH}/${plugin}/pages/${name}/`,
});

/** What stands behind the first `segments` segments below {@link PATH}, percent-encoded, with its slash. */
const restOf = (ctx: RestContext, segments: number): string => {
  const parts = ctx.path.slice(PATH.length + 1).split("/");
  return parts
    .slice(segments)
    .map(part => `/${part}`)
    .join("");
};

function send(ctx: RestContext, { status, headers, body }: SentAnswer): void {
  ctx.status = status;
  ctx.body = body === undefined ? null : typeof body === "string" ? body : Buffer.from(body);
  // An answer that a browser shows as a document can do nothing there: pages are for that.
  ctx.set({ ...headers, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'" });
}

export function pluginsRouter({ pluginServices, limits }: PluginsRouterParts): RestRouter {
  const { plugins, routes, pages, isOperator } = pluginServices;
  const router = createRouter();

  const forOperator = async (ctx: RestContext, next: () => Promise<unknown>): Promise<void> => {
    if (!isOperator(tenantOf(ctx))) {
      throw new MooringError("FORBIDDEN", "Access is denied: plugins are the operator's of this host");
    }
    await next();
  };
  const one = (view: PluginView) => present(view, pluginServices);
  const all = () => ({ plugins: plugins.list().map(one) });

  router.get(PATH, may("plugin:read"), forOperator, ctx => answerPlain(ctx, 200, all()));
  router.put(PATH, may("plugin:write"), forOperator, async ctx => {
    checkLook(await jsonBody(ctx, limits));
    await plugins.discover();
    answerPlain(ctx, 200, all());
  });
  router.get(`${PATH}/:plugin`, may("plugin:read"), forOperator, ctx =>
    answerPlain(ctx, 200, one(plugins.get(ctx.params["plugin"]!))),
  );
  router.put(`${PATH}/:plugin`, may("plugin:write"), forOperator, async ctx => {
    const { action, cascade = false } = checkChange(await jsonBody(ctx, limits));
    answerPlain(ctx, 200, one(await plugins[action](ctx.params["plugin"]!, { cascade })));
  });

  router.get(PAGES, ctx => answerPlain(ctx, 200, { pages: pages.list().map(presentPage) }));
  router.get([`${PATH}/:plugin/pages/:page`, `${PATH}/:plugin/pages/:page/*path`], async ctx => {
    const { plugin, page } = ctx.params as { readonly plugin: string; readonly page: string };
    const base = `${ctx.state.links.origin}${PATH}/${plugin}/pages/${page}/`;
    const path = restOf(ctx, 3);
    const { bytes, contentType } = await pages.file(plugin, page, path.slice(1));
    if (path === "") {
      ctx.redirect(base);
      return;
    }
    ctx.status = 200;
    ctx.body = Buffer.from(bytes);
    ctx.set("Content-Type", contentType);
    ctx.set("Content-Security-Policy", pagePolicy(base));
    ctx.set("Referrer-Policy", "no-referrer");
  });

  router.all(`${PATH}/:plugin/*path`, async ctx => {
    const plugin = ctx.params["plugin"]!;
    const path = restOf(ctx, 1);
    const found = routes.find(plugin, ctx.method, path);
    if (!found) throw new MooringError("NOT_FOUND", `there is no resource at ${ctx.path}`, { path: ctx.path });
    if ("allowed" in found) {
      ctx.set("Allow", found.allowed.join(", "));
      throw new MooringError("METHOD_NOT_ALLOWED", `${ctx.method} is not possible at ${ctx.path}`, found);
    }
    const { route, params } = found;
    const { user } = ctx.state;
    const roles = effectiveRoles(user);
    const isAllowed =
      route.roles.length === 0 || isAdministrator(user) || route.roles.some(role => roles.includes(role));
    if (!isAllowed) throw new MooringError("FORBIDDEN", `Access is denied: one of ${route.roles.join(", ")} is needed`);
    const limit = Math.min(route.maxBodyBytes ?? SMALL_BODY_BYTES, limits.maxBodyBytes);
    const body = await readBody(ctx.req, limit);
    const { tenant, userName, isDevice } = user;
    const request: PluginRequest = {
      method: (ctx.method === "HEAD" ? "GET" : ctx.method) as RouteMethod,
      path,
      params,
      query: new URLSearchParams(ctx.querystring),
      contentType: ctx.get("Content-Type"),
      body,
      json: () => parseJson(body),
      user: { tenant, userName, isDevice, roles },
    };
    send(ctx, await route.handle(request));
  });

  return router;
}
