/** The thread of a service. Started by `worker-host.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { MooringError, messageOf } from "../../base/errors.ts";
import { type Answer, type Call, openService, type Service, type ServiceOptions } from "./service.ts";
import { toWireFailure, type WireFailure } from "./wire.ts";

export interface NumberedCall {
  readonly id: number;
  readonly call: Call;
}

/** `id` 0 tells that the service is open, or why it is not. */
export type NumberedAnswer =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly failure: WireFailure };

/** A message costs more than most calls: several go together, and so do their answers. */
export type CallMessage = readonly NumberedCall[];
export type AnswerMessage = readonly NumberedAnswer[];

const failureOf = (error: unknown): WireFailure =>
  toWireFailure(error instanceof MooringError ? error : new MooringError("STORE_FAILED", messageOf(error)));

const port = parentPort!;
const post = (message: AnswerMessage): void => port.postMessage(message);

function answerOf(service: Service, { id, call }: NumberedCall): NumberedAnswer {
  try {
    return { id, answer: service.answer(call) };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}

function serve(service: Service): void {
  port.on("message", (calls: CallMessage) => {
    post(calls.map(call => answerOf(service, call)));
    if (calls.some(({ call }) => call.call === "close")) port.close();
  });
}

try {
  serve(openService(workerData as ServiceOptions));
  post([{ id: 0, answer: undefined }]);
} catch (error) {
  post([{ id: 0, failure: failureOf(error) }]);
}
