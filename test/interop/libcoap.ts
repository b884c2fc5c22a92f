/** libcoap's command line client (C): one request a run, each from a port of its own unless one is given. */
import { type ProcessEnd, startProcess } from "../harness/process.ts";
import { ensurePrograms } from "./programs.ts";

export const prepareLibcoap = (): void =>
  ensurePrograms(["coap-client-notls", "coap-client-openssl", "coap-client-gnutls"], ["libcoap3-bin"]);

/** Over DTLS, by the one or the other TLS library. */
export type LibcoapSecurity = {
  readonly library: "openssl" | "gnutls";
} & (
  | {
      readonly identity: string;
      /** Printable ASCII. */
      readonly key: string;
    }
  /** Paths of PEM files. */
  | { readonly certificate: string; readonly privateKey: string; readonly authority: string }
);

export interface LibcoapRequest {
  readonly method: "get" | "put" | "post" | "delete";
  /** Path and query, such as `/rd?ep=a&lt=60`. */
  readonly uri: string;
  readonly payload?: string;
  readonly contentFormat?: number;
  readonly accept?: number;
  /** Block size in bytes (RFC 7959). */
  readonly blockBytes?: number;
  readonly confirmable?: boolean;
  /** Source port; default: any. */
  readonly fromPort?: number;
  /** Datagrams that the client pretends to send, by number from 1. */
  readonly lose?: string;
  /** Absent: plain UDP. */
  readonly security?: LibcoapSecurity;
  /** How long it waits for its answer, the handshake included. Default 20. */
  readonly waitSeconds?: number;
}

export interface LibcoapAnswer {
  /** `2.01`; undefined when nothing was answered in time. */
  readonly code: string | undefined;
  /** `/rd/F7DqjmW3Yy` where the answer names a location. */
  readonly location: string | undefined;
  /** All that the client wrote, for a failure text. */
  readonly output: string;
  readonly end: ProcessEnd;
}

const WAIT_SECONDS = 20;

/** It exits with 0 whatever the server says, so the answer is read from its log (verbosity 7). */
export async function libcoapRequest(serverPort: number, request: LibcoapRequest): Promise<LibcoapAnswer> {
  const { payload, contentFormat, accept, blockBytes, fromPort, lose, security } = request;
  const flag = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [name, String(value)];
  const secured = (): string[] => {
    if (security === undefined) return [];
    if ("key" in security) return ["-u", security.identity, "-k", security.key];
    return ["-c", security.certificate, "-j", security.privateKey, "-C", security.authority];
  };
  const client = startProcess({
    name: "coap-client",
    command: `coap-client-${security?.library ?? "notls"}`,
    args: [
      ...["-v", "7", "-B", String(request.waitSeconds ?? WAIT_SECONDS), "-m", request.method],
      ...secured(),
      ...flag("-t", contentFormat),
      ...flag("-A", accept),
      ...flag("-b", blockBytes),
      ...flag("-p", fromPort),
      ...flag("-l", lose),
      ...(payload === undefined ? [] : ["-f", "-"]),
      ...(request.confirmable === false ? ["-N"] : []),
      `${security ? "coaps" : "coap"}://127.0.0.1:${serverPort}${request.uri}`,
    ],
  });
  client.end(payload);
  const end = await client.ended;
  const responses = client.lines.filter(line => /^v:1 t:\w+ c:[245]\.\d\d/.test(line));
  const last = responses.at(-1);
  const location = [...(last ?? "").matchAll(/Location-Path:([^,\s\]]+)/g)].map(match => `/${match[1]}`).join("");
  return {
    code: last && /c:(\d\.\d\d)/.exec(last)?.[1],
    location: location || undefined,
    output: client.tail(),
    end,
  };
}
