/** Whether the host works, without a login: for load balancers and `docker` health checks. */
import { messageOf } from "../base/errors.ts";
import { answerPlain, createRouter, type RestRouter } from "./context.ts";

/** Name of a part and how to ask it; a part that is down rejects. */
export type HealthChecks = Readonly<Record<string, () => Promise<void>>>;

/** What is told beside, and makes nobody turn away. */
export type HealthDetails = () => Readonly<Record<string, unknown>>;

async function ask(checks: HealthChecks): Promise<Record<string, { status: "UP" | "DOWN"; error?: string }>> {
  const results = Object.entries(checks).map(async ([name, check]) => {
    try {
      await check();
      return [name, { status: "UP" as const }] as const;
    } catch (error) {
      return [name, { status: "DOWN" as const, error: messageOf(error) }] as const;
    }
  });
  return Object.fromEntries(await Promise.all(results));
}

/** 200 `{"status":"UP"}` when every part is up, else 503 `{"status":"DOWN"}`, each with its parts. */
export function healthRouter(checks: HealthChecks, details: HealthDetails, paths: readonly string[]): RestRouter {
  const router = createRouter();
  for (const path of paths) {
    router.get(path, async ctx => {
      const components = await ask(checks);
      const up = Object.values(components).every(({ status }) => status === "UP");
      answerPlain(ctx, up ? 200 : 503, { status: up ? "UP" : "DOWN", components, ...details() });
    });
  }
  return router;
}
