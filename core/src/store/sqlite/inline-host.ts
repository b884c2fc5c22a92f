/** A service in this thread: for tests and for tools that do one thing. */
import { type Answer, openService, type ServiceOptions } from "./service.ts";
import type { ServiceHost } from "./worker-host.ts";

/** @throws MooringError as `openService` does */
export function openInlineHost(options: ServiceOptions): ServiceHost {
  const service = openService(options);
  return {
    call: call => new Promise<Answer>(resolve => resolve(service.answer(call))),
    pending: 0,
    async close() {
      service.answer({ call: "close" });
    },
  };
}
