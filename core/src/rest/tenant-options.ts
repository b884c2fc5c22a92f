/** `/tenant/options` (platform API 15). Values of keys that begin with `credentials.` are never shown. */
import { readOptionValue, readTenantOption, type TenantOption, type TenantOptions } from "../tenants/tenant-options.ts";
import {
  answer,
  answerNothing,
  answerPlain,
  createRouter,
  jsonBody,
  may,
  type RestContext,
  type RestLimits,
  type RestRouter,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { collectionBody, pageOf, pageParameters } from "./paging.ts";

const PATH = "/tenant/options";
/** Options of the category `password` have a path of their own in the official client (platform API 4.3). */
const DETAIL_PATHS = [`${PATH}/:category/:key`, "/tenant/security-options/:category/:key"];

export interface TenantOptionsRouterParts {
  readonly tenantOptions: TenantOptions;
  readonly limits: RestLimits;
}

const present = ({ state: { links } }: RestContext, option: TenantOption): object => ({
  ...option,
  self: `${links.origin}${PATH}/${encodeURIComponent(option.category)}/${encodeURIComponent(option.key)}`,
});

export function tenantOptionsRouter({ tenantOptions, limits }: TenantOptionsRouterParts): RestRouter {
  const router = createRouter();

  const answerOne = async (ctx: RestContext, category: string, key: string): Promise<void> =>
    answer(ctx, 200, present(ctx, await tenantOptions.get(tenantOf(ctx), category, key)), "option");

  router.post(PATH, may("option:write"), async ctx => {
    const { category, key, value } = readTenantOption(await jsonBody(ctx, limits));
    await tenantOptions.set(tenantOf(ctx), category, { [key]: value });
    await answerOne(ctx, category, key);
  });

  router.get(PATH, may("option:read"), async ctx => {
    const page = pageParameters(ctx.query);
    const found = pageOf(await tenantOptions.list(tenantOf(ctx)), page);
    const items = found.items.map(option => present(ctx, option));
    answer(ctx, 200, collectionBody("options", selfUrl(ctx), page, { ...found, items }), "optionCollection");
  });

  router.get(`${PATH}/:category`, may("option:read"), async ctx => {
    answerPlain(ctx, 200, await tenantOptions.ofCategory(tenantOf(ctx), ctx.params["category"]!));
  });

  router.put(`${PATH}/:category`, may("option:write"), async ctx => {
    const category = ctx.params["category"]!;
    await tenantOptions.set(tenantOf(ctx), category, await jsonBody(ctx, limits));
    answerPlain(ctx, 200, await tenantOptions.ofCategory(tenantOf(ctx), category));
  });

  for (const path of DETAIL_PATHS) {
    router.get(path, may("option:read"), ctx => answerOne(ctx, ctx.params["category"]!, ctx.params["key"]!));

    router.put(path, may("option:write"), async ctx => {
      const { category, key } = ctx.params as { category: string; key: string };
      const { value } = readOptionValue(await jsonBody(ctx, limits));
      await tenantOptions.set(tenantOf(ctx), category, { [key]: value });
      await answerOne(ctx, category, key);
    });

    router.delete(path, may("option:write"), async ctx => {
      await tenantOptions.delete(tenantOf(ctx), ctx.params["category"]!, ctx.params["key"]!);
      answerNothing(ctx);
    });
  }

  return router;
}
