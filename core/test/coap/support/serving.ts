/** A host that answers a bare device. */
import { CON, type CoapMessage } from "../../../src/coap/message.ts";
import { OPTIONS } from "../../../src/coap/options.ts";
import type { CoapRequest, CoapResponse } from "../../../src/coap/request.ts";
import { block, createBarePeer, createWorld, HOST, pathOptions, text, uint, type WorldParts } from "./endpoints.ts";

const { BLOCK1, URI_QUERY } = OPTIONS;
export const CREATED: CoapResponse = { code: 65, locationPath: ["rd", "5a"], payload: new Uint8Array(0) };
export const CONTENT = 69;

/** @param usual the answer where `parts` say none */
export const openServing = (usual: CoapResponse, parts: WorldParts = {}) => {
  const world = createWorld();
  const calls: CoapRequest[] = [];
  const host = world.open(HOST, {
    ...parts,
    onRequest(incoming, from) {
      calls.push(incoming);
      return parts.onRequest ? parts.onRequest(incoming, from) : usual;
    },
  });
  return { world, host, calls, device: createBarePeer(world) };
};

export const setUp = (parts: WorldParts = {}) => {
  const { world, host, calls, device } = openServing(CREATED, parts);
  let messageId = 1000;
  /** One piece of a body; returns the message, so that it can be sent again. */
  const piece = async (
    body: Uint8Array,
    num: number,
    szx: number,
    more: Partial<CoapMessage> = {},
  ): Promise<Partial<CoapMessage>> => {
    const size = 2 ** (szx + 4);
    const last = (num + 1) * size >= body.length;
    const message: Partial<CoapMessage> = {
      type: CON,
      code: 2,
      messageId: messageId++,
      token: text(`t${num}`),
      options: [...pathOptions("rd"), { number: URI_QUERY, value: text("ep=a") }, uint(BLOCK1, block(num, !last, szx))],
      payload: body.subarray(num * size, (num + 1) * size),
      ...more,
    };
    await device.send(message);
    return message;
  };
  return { world, host, calls, device, piece };
};
