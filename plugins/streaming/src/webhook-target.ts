/** An HTTP endpoint as target: a batch is one POST of a JSON array. What it answers beyond 2xx fails the attempt. */
import { RefusedError, type Target } from "./target.ts";

export interface WebhookOptions {
  /** `http://` or `https://` */
  readonly url: string;
  /** Value of the header Authorization. */
  readonly authorization?: string | undefined;
}

/** Answers that say that the content will never be taken (RFC 9110 section 15.5). */
const REFUSALS: readonly number[] = [400, 413, 415, 422];

/** What `fetch` says of a connection stands in the cause. */
function fail(error: unknown, signal: AbortSignal): never {
  if (signal.aborted) throw signal.reason;
  const { cause } = error as { readonly cause?: unknown };
  throw cause instanceof Error ? cause : error;
}

export function createWebhookTarget({ url, authorization }: WebhookOptions): Target {
  const headers = { "Content-Type": "application/json", ...(authorization && { Authorization: authorization }) };
  return {
    name: "webhook",
    async send(messages, signal) {
      const body = `[${messages.join(",")}]`;
      // A redirection is for people: what is posted goes where it was told to go.
      const asked = fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
      const answer = await asked.catch((error: unknown) => fail(error, signal));
      await answer.body?.cancel();
      if (answer.ok) return;
      const reason = `answered ${answer.status}`;
      throw REFUSALS.includes(answer.status) ? new RefusedError(reason) : new Error(reason);
    },
    async close() {},
  };
}
