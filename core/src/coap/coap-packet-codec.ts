/**
 * The codec of the `coap-packet` library as a {@link MessageCodec}, with the checks that it lacks: token lengths 9 to 15, tokens and
 * option values that run past the message, a payload marker without payload (RFC 7252 section 3).
 */
import * as coapPacket from "coap-packet";
import { MooringError, messageOf } from "../base/errors.ts";
import { formatCode } from "./codes.ts";
import {
  ACK,
  addOption,
  asBuffer,
  CON,
  type CoapMessage,
  type MessageCodec,
  type MessageView,
  RST,
} from "./message.ts";
import { OPTION_DEFINITIONS } from "./options.ts";

/** Larger than any datagram; the library's own limit is 1,280 bytes. */
const MAX_MESSAGE_BYTES = 65_507;

const NUMBER_OF_NAME = new Map<string, number>([
  ...OPTION_DEFINITIONS.map(({ name, number }): [string, number] => [name, number]),
  ["OCF-Accept-Content-Format-Version", 2049],
  ["OCF-Content-Format-Version", 2053],
]);

/** The library gives the name of an option that it knows, otherwise the number as text. */
const numberOf = (name: string | number): number => NUMBER_OF_NAME.get(String(name)) ?? Number(name);

function parse(bytes: Uint8Array, view: MessageView): string | undefined {
  if (bytes.length < 4) return "a message has at least 4 bytes";
  if ((bytes[0]! & 0x0f) > 8) return "token lengths 9 to 15 are reserved";
  const buffer = asBuffer(bytes);
  let packet: coapPacket.ParsedPacket;
  try {
    packet = coapPacket.parse(buffer);
  } catch (error) {
    return messageOf(error);
  }
  return fillView(packet, buffer, view);
}

function fillView(packet: coapPacket.ParsedPacket, buffer: Buffer, view: MessageView): string | undefined {
  const tokenLength = buffer[0]! & 0x0f;
  if (packet.token.length !== tokenLength) return "the token runs past the message";
  view.bytes = buffer;
  view.type = ((buffer[0]! >> 4) & 3) as MessageView["type"];
  view.code = buffer[1]!;
  view.messageId = packet.messageId;
  view.tokenLength = tokenLength;
  view.optionCount = 0;
  let at = 4 + tokenLength;
  for (const { name, value } of packet.options) {
    const start = value.byteOffset - buffer.byteOffset;
    if (start + value.length < start || declaredLength(buffer, at) !== value.length) {
      return "an option value runs past the message";
    }
    const number = numberOf(name);
    if (number > 65_535) return "option numbers end at 65535";
    addOption(view, number, start, start + value.length);
    at = start + value.length;
  }
  if (at < buffer.length && buffer[at] === 0xff && at + 1 === buffer.length) {
    return "a payload marker must be followed by a payload";
  }
  view.payloadStart = at < buffer.length ? at + 1 : buffer.length;
  return undefined;
}

/** Length that the head of the option at `at` announces; the library cuts a value that runs past the end. */
function declaredLength(buffer: Buffer, at: number): number {
  const delta = buffer[at]! >> 4;
  const length = buffer[at]! & 0x0f;
  const lengthAt = at + 1 + (delta < 13 ? 0 : delta - 12);
  if (length < 13) return length;
  return length === 13 ? buffer[lengthAt]! + 13 : buffer.readUInt16BE(lengthAt) + 269;
}

function encode(message: CoapMessage): Uint8Array {
  try {
    return coapPacket.generate(
      {
        confirmable: message.type === CON,
        ack: message.type === ACK,
        reset: message.type === RST,
        code: formatCode(message.code),
        messageId: message.messageId,
        token: asBuffer(message.token),
        options: message.options.map(({ number, value }) => ({ name: number, value: asBuffer(value) })),
        payload: asBuffer(message.payload),
      },
      MAX_MESSAGE_BYTES,
    );
  } catch (cause) {
    throw new MooringError("MESSAGE_FORMAT", `CoAP message: ${messageOf(cause)}`, {}, { cause });
  }
}

export const createCoapPacketCodec = (): MessageCodec => ({ parse, encode });
