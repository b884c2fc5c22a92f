/** A host that observes a bare device. */
import type { Notification, NotificationHandler, Observation } from "../../../src/coap/endpoint.ts";
import { CON, type CoapMessage } from "../../../src/coap/message.ts";
import { OPTIONS } from "../../../src/coap/options.ts";
import { request, text, uint, type WorldParts } from "./endpoints.ts";
import { createHostAndDevice } from "./host-and-device.ts";

const { OBSERVE } = OPTIONS;
export const CONTENT = 69;
export const GET = request("GET", "3303/0/5700");

/** A host that observes; `handle` may be changed while it does. */
export const observing = async (first: number | undefined, parts: WorldParts = {}) => {
  const made = createHostAndDevice(parts);
  const heard: Notification[] = [];
  const control: { handle: NotificationHandler } = { handle: async () => {} };
  const promise = made.host.observe(made.deviceAt, GET, notification => {
    heard.push(notification);
    return control.handle(notification);
  });
  const registration = await made.asked();
  const options = first === undefined ? [] : [uint(OBSERVE, first)];
  await made.answer(registration, CONTENT, options, text("first"));
  const { response, observation } = await promise;
  let messageId = 5000;
  const { token } = registration;
  const notify = async (sequence: number | undefined, value: string, more: Partial<CoapMessage> = {}) => {
    const message: Partial<CoapMessage> = {
      type: CON,
      code: CONTENT,
      messageId: messageId++,
      token,
      options: sequence === undefined ? [] : [uint(OBSERVE, sequence)],
      payload: text(value),
      ...more,
    };
    await made.device.send(message);
    return message;
  };
  const values = (): string[] => heard.map(({ response: { payload } }) => Buffer.from(payload).toString());
  return {
    ...made,
    registration,
    response,
    observation: observation as Observation,
    heard,
    values,
    control,
    notify,
    token,
  };
};

/** A handler whose calls the test ends, in order. */
export const stepwise = () => {
  const ends: { resolve(): void; reject(error: unknown): void }[] = [];
  const handle: NotificationHandler = () => new Promise<void>((resolve, reject) => void ends.push({ resolve, reject }));
  return { ends, handle };
};
