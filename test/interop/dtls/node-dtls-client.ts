/** The npm package `node-dtls-client`: PSK alone, and it sends nothing again, so that a lost datagram costs it a new handshake. */
import { dtls } from "node-dtls-client";
import { type DtlsExchange, type DtlsOutcome, type DtlsPeer, registerBytes } from "./dtls-peer.ts";

/** Of one handshake, at which it gives up by itself, and of the answer: where nothing is lost, and where a datagram is soon given up. */
const PATIENCE_MS = 10_000;
const LOSS_PATIENCE_MS = 500;
/** Of each further attempt: on a slow machine half a second may be too short for any. */
const MORE_PATIENCE = 1.05;
const MAX_ATTEMPTS = 50;

interface Attempt {
  readonly code: string | undefined;
  readonly error: string;
}

function attempt({ port, endpoint, identity, key, suite }: DtlsExchange, withinMs: number): Promise<Attempt> {
  const { request, answerIn } = registerBytes(endpoint);
  return new Promise(resolve => {
    let timer: NodeJS.Timeout | undefined;
    const socket = dtls.createSocket({
      ...{ type: "udp4", address: "127.0.0.1", port, psk: { [identity]: key }, timeout: withinMs },
      ...(suite === undefined ? {} : { ciphers: [suite as "TLS_PSK_WITH_AES_128_CCM_8"] }),
    });
    const end = (code: string | undefined, error: string): void => {
      clearTimeout(timer);
      resolve({ code, error });
    };
    const leave = (code: string | undefined): void => {
      end(code, code === undefined ? "no answer" : "");
      socket.close();
    };
    socket.on("connected", () => {
      timer = setTimeout(() => leave(undefined), withinMs);
      socket.send(request);
    });
    socket.on("message", (bytes: Buffer) => {
      const answer = answerIn(bytes);
      if (answer) leave(answer.code);
    });
    // It has closed itself then, and throws where it is asked to.
    socket.on("error", (error: Error) => end(undefined, error.message));
  });
}

/** Over and over, since datagrams are lost. */
export async function nodeDtlsRegister(exchange: DtlsExchange): Promise<DtlsOutcome> {
  const errors: string[] = [];
  for (let count = 1; ; count++) {
    const { code, error } = await attempt(exchange, LOSS_PATIENCE_MS * MORE_PATIENCE ** (count - 1));
    if (error) errors.push(error);
    if (code !== undefined || count === MAX_ATTEMPTS) {
      return { code, output: errors.join("\n") };
    }
  }
}

export const nodeDtlsClient: DtlsPeer = {
  name: "node-dtls-client",
  retransmits: false,
  suites: { TLS_PSK_WITH_AES_128_CCM_8: 0xc0a8, TLS_PSK_WITH_AES_128_GCM_SHA256: 0x00a8 },
  async register(exchange) {
    const { code, error } = await attempt(exchange, PATIENCE_MS);
    return { code, output: error };
  },
};
