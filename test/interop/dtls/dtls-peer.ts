/** What the suite of secure transport asks of each foreign client: one connection, one request, one answer. */
import { randomBytes } from "node:crypto";
import { generate, type ParsedPacket, parse } from "coap-packet";
import { type ProcessOptions, startProcess } from "../../harness/process.ts";
import { uriOptions } from "../../harness/raw-socket.ts";

export interface PskAccount {
  readonly identity: string;
  /** Printable ASCII: libcoap's clients take the key as text. */
  readonly key: string;
}

export interface DtlsExchange extends PskAccount {
  readonly port: number;
  /** Of the Register that is sent. */
  readonly endpoint: string;
  /** As the peer names it; default: its own choice. */
  readonly suite?: string;
}

export interface DtlsOutcome {
  /** Code of the answer, such as `2.01`; undefined where none came. */
  readonly code: string | undefined;
  /** Whether the client itself says that it went on with an earlier session; undefined where it does not tell. */
  readonly resumed?: boolean;
  /** All that the client wrote, for a failure text. */
  readonly output: string;
}

export interface DtlsPeer {
  readonly name: string;
  /** Name of a suite as the peer spells it, and its number on the wire. */
  readonly suites: Readonly<Record<string, number>>;
  /** Those with CBC likewise, for a host that has them switched on. */
  readonly cbcSuites?: Readonly<Record<string, number>>;
  /** It sends a lost datagram again by itself. */
  readonly retransmits: boolean;
  /** Connects and registers. Without a connection it ends by itself. */
  register(exchange: DtlsExchange): Promise<DtlsOutcome>;
  /** Connects, leaves, comes back with the session it was given, registers. Absent where the peer cannot. */
  resume?(exchange: DtlsExchange): Promise<DtlsOutcome>;
}

export interface CoapBytes {
  readonly request: Buffer;
  /** Header and token of the answer, wherever it stands in the bytes that a client wrote between its own messages. */
  answerIn(output: Buffer): ParsedPacket | undefined;
}

const LINK_FORMAT = 40;

/** A confirmable Register (LwM2M Core 1.1.1 section 6.2.1) as bytes, for clients that only carry them. */
export function registerBytes(endpoint: string): CoapBytes {
  const token = randomBytes(8);
  const request = generate({
    code: "0.02",
    confirmable: true,
    messageId: randomBytes(2).readUInt16BE(),
    token,
    options: [
      ...uriOptions(`/rd?ep=${endpoint}&lt=300&lwm2m=1.0&b=U`),
      { name: "Content-Format", value: Buffer.of(LINK_FORMAT) },
    ],
    payload: Buffer.from("</1/0>,</3/0>"),
  });
  const HEADER_BYTES = 4;
  return {
    request,
    answerIn(output) {
      const at = output.indexOf(token);
      return at < HEADER_BYTES ? undefined : parse(output.subarray(at - HEADER_BYTES, at + token.length));
    },
  };
}

const REPEAT_MS = 1000;

/**
 * Runs a client that carries its standard input to the server and what comes back to its standard output, until the answer is there
 * or the client ends. The request is sent again every second, as CoAP would. A client that does neither is killed after `withinMs`.
 */
export async function carryThrough(
  client: Omit<ProcessOptions, "onOutput">,
  { request, answerIn }: CoapBytes,
  isReady: RegExp,
  withinMs = 20_000,
): Promise<Omit<DtlsOutcome, "resumed">> {
  const chunks: Buffer[] = [];
  let told = (): void => {};
  const answered = new Promise<void>(resolve => {
    told = resolve;
  });
  let answer: ParsedPacket | undefined;
  const process = startProcess({
    ...client,
    onOutput(bytes) {
      chunks.push(bytes);
      answer ??= answerIn(Buffer.concat(chunks));
      if (answer) told();
    },
  });
  const killer = setTimeout(() => process.signal("SIGKILL"), withinMs);
  // A client that ends before it is ready never sends.
  let repeater: NodeJS.Timeout | undefined;
  process.line(isReady, withinMs).then(
    () => {
      process.writeBytes(request);
      repeater = setInterval(() => process.writeBytes(request), REPEAT_MS);
    },
    () => {},
  );
  await Promise.race([answered, process.ended]);
  clearInterval(repeater);
  process.signal("SIGTERM");
  await process.ended;
  clearTimeout(killer);
  return { code: answer?.code, output: process.tail(60) };
}
