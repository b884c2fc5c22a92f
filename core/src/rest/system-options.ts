/** `/tenant/system/options`: what clients ask of the installation (platform API 15). Read-only, for every user. */
import { MooringError } from "../base/errors.ts";
import { answer, createRouter, type RestRouter, selfUrl } from "./context.ts";

const PATH = "/tenant/system/options";

/** @param version of the host */
export function systemOptionsRouter({ version }: { readonly version: string }): RestRouter {
  const router = createRouter();
  const options = [
    { category: "system", key: "version", value: version },
    { category: "two-factor-authentication", key: "enforced", value: "false" },
    { category: "password", key: "enforce.strength", value: "false" },
  ];

  router.get(PATH, ctx => {
    answer(ctx, 200, { self: selfUrl(ctx), options }, "optionCollection");
  });

  router.get(`${PATH}/:category/:key`, ctx => {
    const { category, key } = ctx.params;
    const option = options.find(each => each.category === category && each.key === key);
    if (!option) throw new MooringError("NOT_FOUND", `No system option '${category}/${key}'!`);
    answer(ctx, 200, { ...option, self: selfUrl(ctx) }, "option");
  });

  return router;
}
