/** A device of a rush over plain UDP. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { generate, type Packet, type ParsedPacket, parse } from "coap-packet";
import { loopbackAddress } from "./loopback-address.ts";
import { optionNumber, optionValues, uintBytes, uriOptions } from "./raw-socket.ts";
import { AGAIN_MS, type RushingDevice, type RushPlan, type RushTally } from "./rush-plan.ts";

const ACK_TIMEOUT_MS = 2000;
const ACK_RANDOM_FACTOR = 1.5;
const MAX_RETRANSMIT = 4;
const DEFAULT_MAX_AGE_SECONDS = 60;

async function openSocket(address: string): Promise<Socket> {
  const socket = createSocket({ type: "udp4", lookup: (host, _options, found) => found(null, host, 4) });
  const listening = once(socket, "listening");
  socket.bind(0, address);
  await listening;
  return socket;
}

export async function openRushingDevice(plan: RushPlan, at: number, tally: RushTally): Promise<RushingDevice> {
  const socket = await openSocket(loopbackAddress(at));
  const send = (bytes: Uint8Array): void => socket.send(bytes, plan.port, "127.0.0.1");
  let messageId = Math.floor(Math.random() * 0x10000);
  let timer: NodeJS.Timeout | undefined;
  let isRegistered = false;
  let observed = 0;
  let sequence = 1;

  const wait = (ms: number, then: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  };

  function register(): void {
    messageId = (messageId + 1) & 0xffff;
    const bytes = generate({
      code: "0.02",
      confirmable: true,
      messageId,
      token: uintBytes(0x10000 + messageId),
      options: [
        ...uriOptions(`/rd?ep=${plan.prefix}${at}&lt=86400&lwm2m=1.0&b=U`),
        { name: "Content-Format", value: Buffer.from([40]) },
      ],
      payload: Buffer.from(plan.links),
    });
    transmit(bytes, 0, ACK_TIMEOUT_MS * (1 + Math.random() * (ACK_RANDOM_FACTOR - 1)));
  }

  function transmit(bytes: Buffer, retransmissions: number, timeoutMs: number): void {
    send(bytes);
    wait(timeoutMs, () => {
      if (retransmissions === MAX_RETRANSMIT) return wait(AGAIN_MS, register);
      tally.counters.retransmissions++;
      transmit(bytes, retransmissions + 1, timeoutMs * 2);
    });
  }

  function onAnswer(packet: ParsedPacket): void {
    if (packet.confirmable) send(generate({ code: "0.00", ack: true, messageId: packet.messageId }));
    if (isRegistered) return;
    clearTimeout(timer);
    if (packet.code === "2.01") {
      isRegistered = true;
      tally.registeredAtMs.push(performance.now());
      tally.locations.push(optionValues(packet, "Location-Path").join("/"));
    } else if (packet.code === "5.03") {
      tally.counters.deferred++;
      wait((optionNumber(packet, "Max-Age") ?? DEFAULT_MAX_AGE_SECONDS) * 1000 + Math.random() * 1000, register);
    } else {
      tally.counters.registersFailed++;
      wait(AGAIN_MS, register);
    }
  }

  function onRequest(packet: ParsedPacket): void {
    const isObserve = optionNumber(packet, "Observe") === 0;
    const reply: Packet = { code: "2.04", ack: true, messageId: packet.messageId, token: packet.token };
    if (packet.code === "0.01") {
      reply.code = "2.05";
      reply.options = [{ name: "Content-Format", value: Buffer.alloc(0) }];
      if (isObserve) reply.options.push({ name: "Observe", value: uintBytes(sequence++) });
      reply.payload = Buffer.from("1");
    }
    send(generate(reply));
    if (!isObserve || ++observed !== plan.observations) return;
    tally.observed++;
    tally.observedAtMs = performance.now();
  }

  socket.on("message", bytes => {
    const codeClass = bytes[1]! >> 5;
    // An empty acknowledgement: the answer comes by itself.
    if (bytes[1] === 0) clearTimeout(timer);
    else if (codeClass === 0) onRequest(parse(bytes));
    else onAnswer(parse(bytes));
  });
  return {
    register,
    async close() {
      clearTimeout(timer);
      socket.close();
    },
  };
}
