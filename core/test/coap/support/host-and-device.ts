/** One endpoint and one bare device that answers in lockstep. */

import type { CoapEndpoint } from "../../../src/coap/endpoint.ts";
import { ACK, type CoapMessage, type CoapOption } from "../../../src/coap/message.ts";
import type { Peer } from "../../../src/transport/transport.ts";
import {
  type BarePeer,
  createBarePeer,
  createWorld,
  DEVICE,
  HOST,
  peerOf,
  type World,
  type WorldParts,
} from "./endpoints.ts";

export interface HostAndDevice {
  readonly world: World;
  readonly host: CoapEndpoint;
  readonly device: BarePeer;
  /** The device as the host's transport sees it. */
  readonly deviceAt: Peer;
  /** Takes the request that the host sent, after letting it be sent. */
  asked(): Promise<CoapMessage>;
  /** Answers it in the acknowledgement. */
  answer(request: CoapMessage, code: number, options?: readonly CoapOption[], payload?: Uint8Array): Promise<void>;
}

export function createHostAndDevice(parts: WorldParts = {}): HostAndDevice {
  const world = createWorld();
  const host = world.open(HOST, parts);
  const device = createBarePeer(world);
  return {
    world,
    host,
    device,
    deviceAt: peerOf(host, DEVICE),
    async asked() {
      await world.clock.advance(0);
      return device.take();
    },
    answer: ({ messageId, token }, code, options = [], payload = new Uint8Array(0)) =>
      device.send({ type: ACK, code, messageId, token, options, payload }),
  };
}

/** What a promise rejects with. */
export const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    value => {
      throw new TypeError(`resolved with ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
