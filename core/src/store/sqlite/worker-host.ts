/** A service in a thread of its own. */
import { Worker } from "node:worker_threads";
import { MooringError, messageOf } from "../../base/errors.ts";
import type { Answer, Call, ServiceOptions } from "./service.ts";
import { fromWireFailure } from "./wire.ts";
import type { AnswerMessage, CallMessage } from "./worker.ts";

export interface ServiceHost {
  call(call: Call): Promise<Answer>;
  /** Calls without an answer yet. */
  readonly pending: number;
  /** Closes the files after all earlier calls, and ends the thread. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/** The file beside this one, as source or as published. */
const workerUrl = (): URL => new URL(`./worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

/** @throws MooringError as `openService` does */
export async function openWorkerHost(options: ServiceOptions): Promise<ServiceHost> {
  const worker = new Worker(workerUrl(), { workerData: options, name: `mooring-store-${options.role}` });
  const waiting = new Map<number, Waiting>();
  let lastId = -1;
  let died: MooringError | undefined;

  const dies = (reason: string): void => {
    died ??= new MooringError("STORE_FAILED", `the store's ${options.role} thread ended: ${reason}`);
    for (const { reject } of waiting.values()) reject(died);
    waiting.clear();
  };
  worker.on("error", error => dies(messageOf(error)));
  worker.on("exit", code => dies(`exit code ${code}`));
  worker.on("message", (message: AnswerMessage) => {
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if ("failure" in message) waiter?.reject(fromWireFailure(message.failure));
    else waiter?.resolve(message.answer);
  });

  const expect = (): [id: number, answer: Promise<Answer>] => {
    const id = ++lastId;
    return [id, new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))];
  };
  const call = (given: Call): Promise<Answer> => {
    if (died) return Promise.reject(died);
    const [id, answer] = expect();
    worker.postMessage({ id, call: given } satisfies CallMessage);
    return answer;
  };

  const [, opened] = expect();
  try {
    await opened;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    call,
    get pending() {
      return waiting.size;
    },
    async close() {
      try {
        await call({ call: "close" });
      } finally {
        await worker.terminate();
      }
    },
  };
}
