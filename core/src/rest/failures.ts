/** `/errors`: the codes that `info` of an error body points at, without a login. */
import { FAILURES } from "../base/errors.ts";
import { answerPlain, createRouter, type RestRouter } from "./context.ts";

export function failuresRouter(): RestRouter {
  const router = createRouter();
  router.get("/errors", ctx => {
    answerPlain(ctx, 200, { errors: FAILURES });
  });
  return router;
}
