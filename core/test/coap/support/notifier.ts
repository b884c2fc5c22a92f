/** A device that sends Confirmable notifications, one at a time, until each is acknowledged (RFC 7252 section 4.2). */
import { silentLog } from "../../../src/base/log.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { createTally } from "../../../src/coap/counters.ts";
import { createBuiltinCodec } from "../../../src/coap/message.ts";
import { createMessageLayer, type SendOutcome } from "../../../src/coap/message-layer.ts";
import { OPTIONS } from "../../../src/coap/options.ts";
import { createPeerTable } from "../../../src/coap/peers.ts";
import { createTimerWheel } from "../../../src/coap/timer-wheel.ts";
import { DEFAULT_TRANSMISSION } from "../../../src/coap/transmission.ts";
import { DEVICE, HOST, text, uint, type World } from "./endpoints.ts";

export interface Notifier {
  /** Answers the observation, then sends `count` values; resolves when all are acknowledged. */
  readonly done: Promise<void>;
}

export function createNotifier(world: World, count: number): Notifier {
  const transport = world.network.open(DEVICE.address, DEVICE.port);
  const { clock } = world;
  const peers = createPeerTable(1);
  const to = peers.open(transport.peerAt(HOST.address, HOST.port)!, 0)!;
  let observed: (token: Uint8Array) => void;
  const token = new Promise<Uint8Array>(resolve => {
    observed = resolve;
  });
  const layer = createMessageLayer({
    transport,
    codec: createBuiltinCodec(),
    peers,
    wheel: createTimerWheel({
      clock,
      onError(error) {
        throw error;
      },
    }),
    clock,
    random: createSeededRandom(77),
    log: silentLog,
    transmission: DEFAULT_TRANSMISSION,
    tally: createTally(),
    onRequest(received, view) {
      const own = Uint8Array.from(view.bytes.subarray(4, 4 + view.tokenLength));
      layer.respond(received, { code: 69, token: own, options: [uint(OPTIONS.OBSERVE, 1)], payload: text("0") });
      observed(own);
    },
    onResponse: received => layer.reject(received),
    setAside: () => false,
    onPiggybacked: () => {},
  });
  transport.start((bytes, peer) => layer.receive(bytes, peer));

  const sendOnce = (own: Uint8Array, i: number): Promise<SendOutcome> =>
    new Promise(resolve => {
      const options = [uint(OPTIONS.OBSERVE, 1 + i)];
      const content = { code: 69, token: own, options, payload: text(String(i)) };
      layer.send({ state: to, content, confirmable: true, onSettled: resolve });
    });

  return {
    done: (async () => {
      const own = await token;
      for (let i = 1; i <= count; i++) {
        while ((await sendOnce(own, i)) !== "acknowledged");
      }
    })(),
  };
}
