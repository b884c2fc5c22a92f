/**
 * What differs each time though everything is as it was: message ids, tokens of the host, registration ids, firmware tokens. One
 * side's names are learnt with each message, so that the next one can be told alike and the device's answer finds its request.
 */
import { decodeUtf8, encodeUtf8, toHex } from "@mooring/core/internal/base/bytes.ts";
import { ACK, CON, type CoapMessage, type CoapOption, NON, RST } from "@mooring/core/internal/coap/message.ts";
import { OPTIONS } from "@mooring/core/internal/coap/options.ts";

const REQUESTS = 1;
const FIRST_ERROR = 4 * 32;
/** As the host hands them to devices. */
const FIRMWARE_URI = /(?:coaps?|https?):\/\/[^/\s]+\/fw\/([\w-]+)/;

export const isRequest = ({ code }: CoapMessage): boolean => code > 0 && code >> 5 < REQUESTS;
/** A type that is acknowledged, or might be. */
export const hasOwnId = ({ type }: CoapMessage): boolean => type === CON || type === NON;

const texts = ({ options }: CoapMessage, number: number): string[] =>
  options.filter(option => option.number === number).map(({ value }) => decodeUtf8(value) ?? toHex(value));

const firmwareToken = ({ payload }: CoapMessage): string | undefined =>
  FIRMWARE_URI.exec(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("latin1"))?.[1];

/** Options as they are compared: what is a name of this run alone stands for itself. */
function comparable({ options }: CoapMessage): string {
  const shown = options.map(({ number, value }, i) => {
    const isOwn = number === OPTIONS.MAX_AGE || (number === OPTIONS.LOCATION_PATH && options[i - 1]?.number === number);
    return `${number}=${isOwn ? "*" : toHex(value)}`;
  });
  return shown.join();
}

function samePayload(a: CoapMessage, b: CoapMessage): boolean {
  // The text of an error is for people.
  if (a.code >= FIRST_ERROR) return true;
  if (firmwareToken(a) !== undefined && firmwareToken(b) !== undefined) return true;
  return toHex(a.payload) === toHex(b.payload);
}

export interface Renaming {
  /** A message of the device as it is to be sent now. */
  fromDevice(recorded: CoapMessage): CoapMessage;
  /** Whether the host says now what it said then. */
  isAlike(recorded: CoapMessage, now: CoapMessage): boolean;
  /** They are the same message: what is named in them is the same thing. */
  learn(recorded: CoapMessage, now: CoapMessage): void;
}

/** @param firstMessageId of the device's messages in this run */
export function createRenaming(firstMessageId: number): Renaming {
  let nextId = firstMessageId;
  const deviceIds = new Map<number, number>();
  const hostIds = new Map<number, number>();
  const hostTokens = new Map<string, Uint8Array>();
  /** Segments of paths: registrations and firmware. */
  const segments = new Map<string, string>();

  function renamed(option: CoapOption): CoapOption {
    const segment = option.number === OPTIONS.URI_PATH ? decodeUtf8(option.value) : undefined;
    const now = segment === undefined ? undefined : segments.get(segment);
    return now === undefined ? option : { ...option, value: encodeUtf8(now) };
  }

  function ownId(messageId: number): number {
    nextId = (nextId + 1) & 0xffff;
    deviceIds.set(messageId, nextId);
    return nextId;
  }

  return {
    fromDevice(recorded) {
      const { messageId, token, options } = recorded;
      return {
        ...recorded,
        messageId: hasOwnId(recorded) ? ownId(messageId) : (hostIds.get(messageId) ?? messageId),
        token: isRequest(recorded) ? token : (hostTokens.get(toHex(token)) ?? token),
        options: options.map(renamed),
      };
    },
    isAlike(recorded, now) {
      if (recorded.type !== now.type || recorded.code !== now.code) return false;
      const answersId = recorded.type === ACK || recorded.type === RST;
      if (answersId && deviceIds.get(recorded.messageId) !== now.messageId) return false;
      if (!isRequest(recorded) && toHex(recorded.token) !== toHex(now.token)) return false;
      return comparable(recorded) === comparable(now) && samePayload(recorded, now);
    },
    learn(recorded, now) {
      if (hasOwnId(recorded)) hostIds.set(recorded.messageId, now.messageId);
      if (isRequest(recorded)) hostTokens.set(toHex(recorded.token), now.token);
      const [[, then], [, id]] = [texts(recorded, OPTIONS.LOCATION_PATH), texts(now, OPTIONS.LOCATION_PATH)];
      if (then !== undefined && id !== undefined) segments.set(then, id);
      const [thenToken, nowToken] = [firmwareToken(recorded), firmwareToken(now)];
      if (thenToken !== undefined && nowToken !== undefined) segments.set(thenToken, nowToken);
    },
  };
}
