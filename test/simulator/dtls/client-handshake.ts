/**
 * The handshake as a client goes through it (RFC 6347 section 4.2.4): which message of the server is expected where, and the flight
 * that it is answered with. The owner sends flights, repeats them, and protects records.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { concatBytes, EMPTY_BYTES, equalBytes } from "@mooring/core/internal/base/bytes.ts";
import type { Random } from "@mooring/core/internal/base/random.ts";
import {
  CERTIFICATE_TYPE,
  writeCertificateChain,
  writeRawPublicKey,
} from "@mooring/core/internal/transport/dtls/certificate.ts";
import { RANDOM_BYTES, writeClientHello } from "@mooring/core/internal/transport/dtls/client-hello.ts";
import { deriveProtection } from "@mooring/core/internal/transport/dtls/derive-protection.ts";
import { readFinished, writeFinished } from "@mooring/core/internal/transport/dtls/finished.ts";
import {
  HANDSHAKE,
  type HandshakeMessage,
  writeMessage,
} from "@mooring/core/internal/transport/dtls/handshake-message.ts";
import { readHelloVerifyRequest } from "@mooring/core/internal/transport/dtls/hello-verify-request.ts";
import { readServerKeyExchange, writeClientKeyExchange } from "@mooring/core/internal/transport/dtls/key-exchange.ts";
import {
  deriveExtendedMasterSecret,
  deriveMasterSecret,
  finishedVerifyData,
} from "@mooring/core/internal/transport/dtls/key-schedule.ts";
import type { ProtectionPair } from "@mooring/core/internal/transport/dtls/protection.ts";
import { readServerHello, type ServerHello } from "@mooring/core/internal/transport/dtls/server-hello.ts";
import { writeCertificateVerify } from "@mooring/core/internal/transport/dtls/signature.ts";
import { findSuite, type KeyExchange } from "@mooring/core/internal/transport/dtls/suites.ts";
import { offer, offeredSuites } from "./client-hello-offer.ts";
import { type ClientSession, type DtlsClientOptions, HandshakeRefused } from "./client-options.ts";
import { agree } from "./key-agreement.ts";
import { checkServerShare, proveOwnKey, publicKeyOf, serverKey } from "./server-proof.ts";

/** A part of a flight; Finished and what follows it go out protected. */
export type FlightPart =
  | { readonly kind: "message"; readonly epoch: 0 | 1; readonly message: HandshakeMessage }
  | { readonly kind: "changeCipherSpec" };

/** What a handshake came to. */
export interface ClientEstablished {
  readonly session: ClientSession;
  readonly resumed: boolean;
  /** That goes into records to the server; empty: none. */
  readonly serverCid: Uint8Array;
  /** The extension was agreed on, whatever the lengths. */
  readonly cidAgreed: boolean;
  /** Plaintext bytes of a record that the server takes. */
  readonly recordSizeLimit: number | undefined;
}

export interface ClientHandshakeParts {
  readonly options: DtlsClientOptions;
  readonly random: Random;
  /** From here on records of epoch 1 can be read and written. */
  keys(protection: ProtectionPair, serverCid: Uint8Array): void;
  flight(parts: readonly FlightPart[]): void;
  /** The server's messages are counted from here. */
  expectFrom(sequence: number): void;
  established(established: ClientEstablished): void;
}

export type ClientState =
  | "new"
  | "expectsHello"
  | "expectsFlight"
  | "expectsFinished"
  | "expectsFirstFinished"
  | "done";

export interface ClientHandshake {
  readonly state: ClientState;
  start(): void;
  /** Messages in order. @param epoch of the record that brought it @throws HandshakeRefused, MooringError HANDSHAKE_INVALID */
  take(message: HandshakeMessage, epoch: number): void;
}

type Steps = Readonly<
  Record<ClientState, Readonly<Partial<Record<number, (message: HandshakeMessage) => ClientState>>>>
>;

const CHANGE_CIPHER_SPEC: FlightPart = { kind: "changeCipherSpec" };

export function createClientHandshake(parts: ClientHandshakeParts): ClientHandshake {
  const { options, random } = parts;
  const { psk, certificate, rawKey, session, faults = {} } = options;
  const clientRandom = random.bytes(RANDOM_BYTES);
  /** All messages so far, without the first hello and its answer (RFC 6347 section 4.2.1). */
  const transcript: Uint8Array[] = [];
  const received = new Map<number, Uint8Array>();
  let state: ClientState = "new";
  let sequence = 0;
  let serverHello: ServerHello | undefined;
  let masterSecret: Uint8Array = EMPTY_BYTES;

  const hash = (): Uint8Array => createHash("sha256").update(concatBytes(transcript)).digest();
  const exchange = (): KeyExchange => findSuite(serverHello!.suite)!.keyExchange;
  const next = (type: number, body: Uint8Array, epoch: 0 | 1 = 0): FlightPart => {
    const message: HandshakeMessage = { type, sequence: sequence++, body };
    transcript.push(writeMessage(message));
    return { kind: "message", epoch, message };
  };

  const sendHello = (cookie: Uint8Array): ClientState => {
    transcript.length = 0;
    parts.expectFrom(sequence);
    parts.flight([next(HANDSHAKE.clientHello, writeClientHello(offer(options, clientRandom, cookie)))]);
    return "expectsHello";
  };
  const deriveKeys = (): void => {
    const { suite, random: serverRandom, extensions } = serverHello!;
    const encryptThenMac = extensions.encryptThenMac === true;
    const isAgreed = options.cid !== undefined && extensions.connectionId !== undefined;
    const serverCid = isAgreed ? extensions.connectionId : undefined;
    const clientCid = (isAgreed ? options.cid : undefined) ?? EMPTY_BYTES;
    const secrets = { suite, masterSecret, clientRandom, serverRandom, encryptThenMac };
    parts.keys(deriveProtection({ ...secrets, clientCid, serverCid }, random), serverCid ?? EMPTY_BYTES);
  };
  const finished = (): readonly FlightPart[] => {
    const verifyData = finishedVerifyData(masterSecret, "client", hash());
    if (faults.wrongFinished) verifyData[0]! ^= 1;
    const last = next(HANDSHAKE.finished, writeFinished(verifyData), 1);
    return faults.noFinished ? [CHANGE_CIPHER_SPEC] : [CHANGE_CIPHER_SPEC, last];
  };
  const checkFinished = ({ body }: HandshakeMessage): void => {
    // What is checked is all that came before it.
    const expected = finishedVerifyData(masterSecret, "server", hash());
    if (!timingSafeEqual(expected, readFinished(body))) {
      throw new HandshakeRefused("server-refused", "the server's Finished is wrong");
    }
  };
  const establish = (resumed: boolean): ClientState => {
    const { suite, sessionId: id, extensions } = serverHello!;
    const extendedMasterSecret = extensions.extendedMasterSecret === true;
    parts.established({
      session: { id: Uint8Array.from(id), suite, masterSecret, extendedMasterSecret },
      resumed,
      serverCid: Uint8Array.from(extensions.connectionId ?? EMPTY_BYTES),
      cidAgreed: options.cid !== undefined && extensions.connectionId !== undefined,
      recordSizeLimit: extensions.recordSizeLimit,
    });
    return "done";
  };

  const takeVerifyRequest = ({ body, sequence: answered }: HandshakeMessage): ClientState => {
    // Neither the first hello nor the request counts; the next messages of the server carry on from the hello's number.
    sequence = Math.max(sequence, answered + 1);
    return sendHello(Uint8Array.from(readHelloVerifyRequest(body).cookie));
  };
  const takeServerHello = ({ body }: HandshakeMessage): ClientState => {
    serverHello = readServerHello(Uint8Array.from(body));
    if (!offeredSuites(options).includes(serverHello.suite)) {
      throw new HandshakeRefused("malformed", `suite ${serverHello.suite} was not offered`);
    }
    const resumes = session !== undefined && session.id.length > 0 && equalBytes(session.id, serverHello.sessionId);
    if (!resumes) return "expectsFlight";
    masterSecret = session.masterSecret;
    deriveKeys();
    return "expectsFirstFinished";
  };
  const keep = ({ type, body }: HandshakeMessage): ClientState => {
    received.set(type, body);
    return "expectsFlight";
  };
  const ownCertificate = (): FlightPart[] => {
    if (!received.has(HANDSHAKE.certificateRequest)) return [];
    const isRaw = serverHello!.extensions.clientCertificateType === CERTIFICATE_TYPE.rawPublicKey;
    const body =
      isRaw && rawKey
        ? writeRawPublicKey(publicKeyOf(rawKey.privateKey))
        : writeCertificateChain(certificate?.chain ?? []);
    return [next(HANDSHAKE.certificate, body)];
  };
  const ownProof = (): FlightPart[] => {
    const key = certificate?.privateKey ?? rawKey?.privateKey;
    if (!received.has(HANDSHAKE.certificateRequest) || !key) return [];
    return [next(HANDSHAKE.certificateVerify, writeCertificateVerify(proveOwnKey(key, transcript)))];
  };
  const checkServer = (): ReturnType<typeof readServerKeyExchange> => {
    const { random: serverRandom, extensions } = serverHello!;
    const keyExchange = received.get(HANDSHAKE.serverKeyExchange);
    // Without a hint there is nothing to say in plain PSK (RFC 4279 section 2).
    const theirs = keyExchange ? readServerKeyExchange(keyExchange, exchange()) : {};
    if (exchange() !== "ecdhe_ecdsa") return theirs;
    const isRaw = extensions.serverCertificateType === CERTIFICATE_TYPE.rawPublicKey;
    const key = serverKey(received.get(HANDSHAKE.certificate) ?? EMPTY_BYTES, isRaw, options);
    checkServerShare(theirs, key, clientRandom, serverRandom);
    return theirs;
  };
  const takeHelloDone = (): ClientState => {
    const { share } = checkServer();
    const certificates = ownCertificate();
    const { message, premaster } = agree(exchange(), psk, share);
    const clientKey = next(HANDSHAKE.clientKeyExchange, writeClientKeyExchange(message));
    const { random: serverRandom, extensions } = serverHello!;
    masterSecret = extensions.extendedMasterSecret
      ? deriveExtendedMasterSecret(premaster, hash())
      : deriveMasterSecret(premaster, clientRandom, serverRandom);
    deriveKeys();
    parts.flight([...certificates, clientKey, ...ownProof(), ...finished()]);
    return "expectsFinished";
  };

  const STEPS: Steps = {
    new: {},
    expectsHello: {
      [HANDSHAKE.helloVerifyRequest]: takeVerifyRequest,
      [HANDSHAKE.serverHello]: takeServerHello,
    },
    expectsFlight: {
      [HANDSHAKE.certificate]: keep,
      [HANDSHAKE.serverKeyExchange]: keep,
      [HANDSHAKE.certificateRequest]: keep,
      [HANDSHAKE.serverHelloDone]: takeHelloDone,
    },
    expectsFinished: { [HANDSHAKE.finished]: () => establish(false) },
    expectsFirstFinished: {
      [HANDSHAKE.finished]() {
        parts.flight(finished());
        return establish(true);
      },
    },
    done: {},
  };

  return {
    get state() {
      return state;
    },
    start() {
      state = sendHello(EMPTY_BYTES);
    },
    take(message, epoch) {
      const step = STEPS[state][message.type];
      const isFinished = message.type === HANDSHAKE.finished;
      if (!step || (epoch === 1) !== isFinished) {
        throw new HandshakeRefused("malformed", `message ${message.type} of epoch ${epoch} in state ${state}`);
      }
      if (isFinished) checkFinished(message);
      if (message.type !== HANDSHAKE.helloVerifyRequest) transcript.push(writeMessage(message));
      state = step(message);
    },
  };
}
