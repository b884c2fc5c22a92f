/** The edge: whatever fails behind it is answered once, with the platform's error body. */
import type { Next } from "koa";
import { FAILURES, isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { challenge } from "./authentication.ts";
import type { RestContext } from "./context.ts";
import { errorAnswer } from "./error-body.ts";
import { errorType } from "./media-types.ts";

function setHeaders(ctx: RestContext, error: unknown): void {
  if (!isFailure(error)) return;
  const { code, details } = error;
  if (code === "UNAUTHORIZED") ctx.set("WWW-Authenticate", challenge(ctx.get("UseXBasic")));
  // The rest of a body that is too large is not waited for.
  if (code === "TOO_LARGE") ctx.set("Connection", "close");
  if (code === "RANGE_INVALID") ctx.set("Content-Range", `bytes */${details["length"]}`);
  if (code === "TOO_MANY_REQUESTS") ctx.set("Retry-After", String(details["retryAfterSeconds"] ?? 60));
  if (FAILURES[code].http === 503) ctx.set("Retry-After", "1");
}

function report(log: Log, ctx: RestContext, status: number, error: unknown): void {
  if (status < 500) {
    if (log.enabled("debug")) log.debug("rest.refused", { method: ctx.method, path: ctx.path, status });
    return;
  }
  const stack = isFailure(error) ? undefined : (error as Error | undefined)?.stack;
  const fields = { method: ctx.method, path: ctx.path, status, error: messageOf(error) };
  log.error("rest.failed", stack === undefined ? fields : { ...fields, stack });
}

export function answerErrors(log: Log) {
  return async (ctx: RestContext, next: Next): Promise<void> => {
    try {
      await next();
    } catch (error) {
      const { status, body } = errorAnswer(error, ctx.path, ctx.state.links.origin);
      report(log, ctx, status, error);
      setHeaders(ctx, error);
      ctx.status = status;
      ctx.set("Content-Type", errorType(ctx.get("Accept")));
      ctx.body = JSON.stringify(body);
    }
  };
}

/** For what no router has taken: 405 where the path is known, else 404. */
export function unmatched(ctx: RestContext): void {
  const methods = [...new Set((ctx.matched ?? []).flatMap(layer => layer.methods))];
  if (methods.length === 0) {
    throw new MooringError("NOT_FOUND", `there is no resource at ${ctx.path}`, { path: ctx.path });
  }
  ctx.set("Allow", methods.join(", "));
  if (ctx.method === "OPTIONS") {
    ctx.status = 204;
    ctx.body = null;
    return;
  }
  throw new MooringError("METHOD_NOT_ALLOWED", `${ctx.method} is not possible at ${ctx.path}`, { allowed: methods });
}
