/** A service in a thread of its own. */
import { Worker } from "node:worker_threads";
import { MooringError, messageOf } from "../../base/errors.ts";
import type { Answer, Call, ServiceOptions } from "./service.ts";
import { fromWireFailure } from "./wire.ts";
import type { AnswerMessage, CallMessage, NumberedAnswer, NumberedCall } from "./worker.ts";

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

/** Reads of one message: the answer of the first waits for the last. */
const MOST_READS = 32;

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
  const settle = (answered: NumberedAnswer): void => {
    const waiter = waiting.get(answered.id);
    waiting.delete(answered.id);
    if ("failure" in answered) waiter?.reject(fromWireFailure(answered.failure));
    else waiter?.resolve(answered.answer);
  };
  worker.on("message", (answers: AnswerMessage) => answers.forEach(settle));

  const expect = (): [id: number, answer: Promise<Answer>] => {
    const id = ++lastId;
    return [id, new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))];
  };
  const post = (calls: readonly NumberedCall[]): void => worker.postMessage(calls satisfies CallMessage);
  let reads: NumberedCall[] = [];
  const postReads = (): void => {
    if (reads.length > 0) post(reads);
    reads = [];
  };
  /** With the others of this turn of the event loop: under load that is one message instead of many. */
  const postSoon = (read: NumberedCall): void => {
    reads.push(read);
    if (reads.length === 1) setImmediate(postReads);
    if (reads.length === MOST_READS) postReads();
  };
  const call = (given: Call): Promise<Answer> => {
    if (died) return Promise.reject(died);
    const [id, answer] = expect();
    if (given.call === "read") postSoon({ id, call: given });
    else {
      postReads();
      post([{ id, call: given }]);
    }
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
