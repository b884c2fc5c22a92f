/**
 * A DTLS 1.2 client for simulated devices, over any way of carrying datagrams: PSK, certificates or raw public keys, Connection ID,
 * resumption. Its messages and records are those of core's codecs; the way through a handshake is its own.
 */
import { EMPTY_BYTES, equalBytes } from "@mooring/core/internal/base/bytes.ts";
import { isFailure } from "@mooring/core/internal/base/errors.ts";
import {
  ALERT,
  type AlertName,
  alertName,
  readAlert,
  writeAlert,
} from "@mooring/core/internal/transport/dtls/alert.ts";
import {
  cutMessage,
  HANDSHAKE,
  HANDSHAKE_HEADER_BYTES,
  readFragments,
  writeFragment,
} from "@mooring/core/internal/transport/dtls/handshake-message.ts";
import type { PlainRecord, ProtectionPair } from "@mooring/core/internal/transport/dtls/protection.ts";
import {
  CONTENT,
  RECORD_HEADER_BYTES,
  type RecordView,
  readRecords,
  writePlainRecord,
} from "@mooring/core/internal/transport/dtls/records.ts";
import { accept, createReplayWindow, isFresh } from "@mooring/core/internal/transport/dtls/replay-window.ts";
import {
  type ClientEstablished,
  type ClientHandshake,
  createClientHandshake,
  type FlightPart,
} from "./client-handshake.ts";
import { type DtlsClientParts, HandshakeRefused } from "./client-options.ts";
import { createMessageOrder, type MessageOrder } from "./message-order.ts";
import { packDatagrams } from "./pack.ts";

export interface DtlsClient extends Disposable {
  /** Once. @throws HandshakeRefused */
  connect(): Promise<ClientEstablished>;
  /** A datagram from the server. Never throws. */
  receive(datagram: Uint8Array): void;
  /** Application data, one record and datagram for each. @throws Error where there is no session */
  send(bytes: Uint8Array): void;
  /** As {@link send}, all records in one datagram. */
  sendTogether(contents: readonly Uint8Array[]): void;
  /** A record as this session would send it, with the next sequence number or a given one, for tests to do with as they like. */
  seal(type: number, content: Uint8Array, sequence?: number): Uint8Array;
  /** Sequence number of the next record of epoch 1; may be set. */
  nextSequence: number;
  readonly isConnected: boolean;
  readonly counters: Readonly<{ retransmissions: number; records: number; dropped: number; replayed: number }>;
  /** Sends close_notify where there is a session. */
  close(): void;
}

/** What is needed until the session stands, dropped afterwards. */
interface Opening {
  readonly handshake: ClientHandshake;
  readonly order: MessageOrder;
  settle(result: ClientEstablished | HandshakeRefused): void;
  timer: Disposable | undefined;
  retransmissions: number;
}

const CHANGE_CIPHER_SPEC = Uint8Array.of(1);

const asRefusal = (error: unknown): HandshakeRefused => {
  if (error instanceof HandshakeRefused) return error;
  if (isFailure(error, "HANDSHAKE_INVALID")) return new HandshakeRefused("malformed", error.message);
  throw error;
};

export function createDtlsClient(parts: DtlsClientParts): DtlsClient {
  const { clock, cid, faults = {}, retransmissionTimeoutMs = 1000, maxRetransmissions = 5 } = parts;
  const { maxDatagramBytes = 1280 } = parts;
  const counters = { retransmissions: 0, records: 0, dropped: 0, replayed: 0 };
  let protection: ProtectionPair | undefined;
  let window = createReplayWindow();
  let serverCid: Uint8Array = EMPTY_BYTES;
  let cidAgreed = false;
  let plainSequence = 0;
  let protectedSequence = 0;
  let opening: Opening | undefined;
  let connected = false;
  let ended = false;
  /** For a server that repeats its own flight; gone with the first application data. */
  let lastFlight: readonly FlightPart[] = [];

  const seal = (type: number, content: Uint8Array, sequence = protectedSequence++): Uint8Array => {
    if (!protection) throw new Error("there are no keys yet");
    return protection.client.seal(type, 1, sequence, serverCid, content);
  };
  const plain = (type: number, content: Uint8Array): Uint8Array => writePlainRecord(type, plainSequence++, content);

  const recordsOf = (part: FlightPart): Uint8Array[] => {
    if (part.kind === "changeCipherSpec") return [plain(CONTENT.changeCipherSpec, CHANGE_CIPHER_SPEC)];
    const { message, epoch } = part;
    const isHello = message.type === HANDSHAKE.clientHello;
    const overhead = epoch === 0 ? RECORD_HEADER_BYTES : protection!.client.overhead;
    const most =
      isHello && faults.helloFragmentBytes !== undefined
        ? faults.helloFragmentBytes + HANDSHAKE_HEADER_BYTES
        : maxDatagramBytes - overhead;
    const fragments = cutMessage(message, most).map(writeFragment);
    return fragments.map(each => (epoch === 0 ? plain(CONTENT.handshake, each) : seal(CONTENT.handshake, each)));
  };
  const sendFlight = (flight: readonly FlightPart[]): void => {
    const records = flight.flatMap(recordsOf);
    const isCut = faults.separateDatagrams || faults.helloFragmentBytes !== undefined;
    for (const datagram of isCut ? records : packDatagrams(records, maxDatagramBytes)) parts.send(datagram);
  };

  const stopTimer = (): void => {
    opening?.timer?.[Symbol.dispose]();
    if (opening) opening.timer = undefined;
  };
  const arm = (): void => {
    const here = opening!;
    stopTimer();
    here.timer = clock.after(retransmissionTimeoutMs * 2 ** here.retransmissions, () => {
      if (here.retransmissions === maxRetransmissions) {
        fail(new HandshakeRefused("timeout", `no answer to ${maxRetransmissions + 1} flights`));
        return;
      }
      here.retransmissions++;
      counters.retransmissions++;
      sendFlight(lastFlight);
      arm();
    });
  };
  const fail = (refusal: HandshakeRefused): void => {
    stopTimer();
    const { settle } = opening!;
    opening = undefined;
    ended = true;
    settle(refusal);
  };
  /** Refuses the server and tells it so. */
  const refuse = (refusal: HandshakeRefused): void => {
    const alert: AlertName = refusal.reason === "server-refused" ? "badCertificate" : "handshakeFailure";
    if (refusal.reason !== "alert") parts.send(plain(CONTENT.alert, writeAlert(alert)));
    fail(refusal);
  };
  const end = (why: string): void => {
    if (ended) return;
    ended = true;
    connected = false;
    parts.onEnd?.(why);
  };

  const handshakeParts = {
    options: parts,
    random: parts.random,
    keys(pair: ProtectionPair, toServer: Uint8Array) {
      protection = pair;
      serverCid = Uint8Array.from(toServer);
    },
    flight(flight: readonly FlightPart[]) {
      lastFlight = flight;
      opening!.retransmissions = 0;
      sendFlight(flight);
      arm();
    },
    expectFrom: (sequence: number) => opening!.order.startAt(sequence),
    established(established: ClientEstablished) {
      stopTimer();
      const { settle } = opening!;
      opening = undefined;
      connected = true;
      cidAgreed = established.cidAgreed;
      // In a full handshake the server speaks last and never asks for our flight again.
      if (!established.resumed) lastFlight = [];
      settle(established);
    },
  };

  const takeHandshake = (content: Uint8Array, epoch: number): void => {
    for (const fragment of readFragments(content)) {
      const here = opening;
      if (!here) {
        if (fragment.type === HANDSHAKE.finished && lastFlight.length > 0) sendFlight(lastFlight);
        return;
      }
      const isRepeated = fragment.sequence < here.order.next && fragment.type === HANDSHAKE.serverHelloDone;
      if (isRepeated && here.handshake.state === "expectsFinished") sendFlight(lastFlight);
      for (const message of here.order.add(fragment)) {
        if (opening === here) here.handshake.take(message, epoch);
      }
    }
  };
  const takeAlert = (content: Uint8Array, epoch: number): void => {
    const alert = readAlert(content);
    if (!alert) return;
    const name = alertName(alert.description);
    if (opening && alert.fatal) fail(new HandshakeRefused("alert", `the server answered with ${name}`, name));
    if (!connected || epoch === 0) return;
    if (alert.description === ALERT.closeNotify) end("closed");
    else if (alert.fatal) end(name);
  };
  const takePlain = ({ type, content }: PlainRecord, epoch: number): void => {
    if (type === CONTENT.handshake) takeHandshake(content, epoch);
    else if (type === CONTENT.alert) takeAlert(content, epoch);
    else if (type === CONTENT.applicationData && epoch === 1 && connected) {
      lastFlight = [];
      parts.onData(content);
    }
  };
  const takeProtected = (record: RecordView): void => {
    const isOurs = record.type === CONTENT.cid ? cid !== undefined && equalBytes(record.cid, cid) : true;
    // Once agreed on, records of the server carry the identifier unless it is empty (RFC 9146 section 3).
    const lacksCid = cidAgreed && (cid?.length ?? 0) > 0 && record.type !== CONTENT.cid;
    if (!isOurs || lacksCid) {
      counters.dropped++;
      return;
    }
    if (!isFresh(window, record.sequence)) {
      counters.replayed++;
      return;
    }
    const opened = protection!.server.open(record);
    if (!opened) {
      counters.dropped++;
      return;
    }
    accept(window, record.sequence);
    takePlain(opened, 1);
  };
  const takeRecord = (record: RecordView): void => {
    if (record.epoch === 0) {
      if (opening) takePlain({ type: record.type, content: record.fragment }, 0);
    } else if (record.epoch === 1 && protection) takeProtected(record);
    else counters.dropped++;
  };

  const close = (): void => {
    if (connected) parts.send(seal(CONTENT.alert, writeAlert("closeNotify")));
    if (opening) fail(new HandshakeRefused("closed", "the client was closed"));
    end("closed");
  };

  return {
    connect: () =>
      new Promise((resolve, reject) => {
        if (opening || connected || ended) throw new Error("a client connects once");
        window = createReplayWindow();
        opening = {
          handshake: createClientHandshake(handshakeParts),
          order: createMessageOrder(),
          settle: result => (result instanceof HandshakeRefused ? reject(result) : resolve(result)),
          timer: undefined,
          retransmissions: 0,
        };
        opening.handshake.start();
      }),
    receive(datagram) {
      if (ended) return;
      try {
        for (const record of readRecords(datagram, cid?.length ?? 0).records) {
          counters.records++;
          takeRecord(record);
        }
      } catch (error) {
        if (opening) refuse(asRefusal(error));
        else asRefusal(error);
      }
    },
    send(bytes) {
      if (!connected) throw new Error("there is no session");
      parts.send(seal(CONTENT.applicationData, bytes));
    },
    sendTogether(contents) {
      const records = contents.map(bytes => seal(CONTENT.applicationData, bytes));
      for (const datagram of packDatagrams(records, maxDatagramBytes)) parts.send(datagram);
    },
    seal,
    get nextSequence() {
      return protectedSequence;
    },
    set nextSequence(sequence) {
      protectedSequence = sequence;
    },
    get isConnected() {
      return connected;
    },
    counters,
    close,
    [Symbol.dispose]: close,
  };
}
