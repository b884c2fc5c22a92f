/** What passed between a device and the host, read from the datagrams of the router between them. */
import { type NamedOption, type ParsedPacket, parse } from "coap-packet";
import type { NatProxy } from "../../harness/nat-proxy.ts";
import { optionNumber, uriPath } from "../../harness/raw-socket.ts";

export interface WireMessage {
  readonly atMs: number;
  readonly code: string;
  readonly messageId: number;
  /** Hexadecimal, as the payload. */
  readonly token: string;
  readonly payload: string;
  readonly path: string;
  readonly observe: number | undefined;
  readonly contentFormat: number | undefined;
  readonly accept: number | undefined;
  readonly isReset: boolean;
  readonly fromDevice: boolean;
}

export interface Wire {
  /** Requests of the host with that code (`0.01`), each once, however often it was sent. */
  requests(code: string): readonly WireMessage[];
  /** Notifications of an observation, without its first answer. */
  notifications(token: string): readonly WireMessage[];
  /** Message ids that the host answered with Reset. */
  resets(): readonly number[];
  /** Requests of the device to `/dp`. */
  sends(): readonly WireMessage[];
}

const hasOption = ({ options }: ParsedPacket, name: NamedOption["name"]): boolean =>
  options.some(option => option.name === name);

export function wireOf({ passed }: Pick<NatProxy, "passed">): Wire {
  const all = passed.map(({ bytes, direction, atMs }): WireMessage => {
    const message = parse(bytes);
    return {
      atMs,
      code: message.code,
      messageId: message.messageId,
      token: message.token.toString("hex"),
      payload: message.payload.toString("hex"),
      path: uriPath(message),
      observe: hasOption(message, "Observe") ? optionNumber(message, "Observe") : undefined,
      contentFormat: optionNumber(message, "Content-Format"),
      accept: optionNumber(message, "Accept"),
      isReset: message.reset,
      fromDevice: direction === "toServer",
    };
  });
  const distinct = (messages: readonly WireMessage[]) => [
    ...new Map(messages.map(message => [message.messageId, message])).values(),
  ];
  return {
    requests: code => distinct(all.filter(message => !message.fromDevice && message.code === code)),
    notifications: token =>
      distinct(
        all.filter(
          ({ fromDevice, code, observe, token: own }) =>
            fromDevice && code === "2.05" && observe !== undefined && own === token,
        ),
      ).slice(1),
    resets: () => all.filter(({ fromDevice, isReset }) => !fromDevice && isReset).map(({ messageId }) => messageId),
    sends: () => distinct(all.filter(({ fromDevice, path }) => fromDevice && path === "/dp")),
  };
}
