/**
 * The server's side of one handshake (RFC 6347 section 4.2): messages of the client to steps of handshake-machine.ts, steps to flights
 * and keys. Nothing here is begun for a peer whose cookie has not come back.
 */
import { timingSafeEqual } from "node:crypto";
import { concatBytes, decodeUtf8, EMPTY_BYTES } from "../../base/bytes.ts";
import { isFailure, messageOf } from "../../base/errors.ts";
import type { PeerIdentity } from "../transport.ts";
import { type ClientHello, RANDOM_BYTES, readClientHello } from "./client-hello.ts";
import { type ClientProof, readClientProof } from "./client-proof.ts";
import { deriveProtection } from "./derive-protection.ts";
import type { EphemeralKey } from "./ecdhe.ts";
import { readFinished, writeFinished } from "./finished.ts";
import { createFlights, type FlightItem } from "./flights.ts";
import type { ServerHandshake, ServerHandshakeParts, SessionParameters } from "./handshake.ts";
import { endOf, type HandshakeEnd, handshakeError } from "./handshake-error.ts";
import { type HandshakeEvent, type HandshakeState, listensIn, stepHandshake } from "./handshake-machine.ts";
import { HANDSHAKE, type HandshakeMessage } from "./handshake-message.ts";
import { createIncomingRecords } from "./incoming-records.ts";
import { readClientKeyExchange } from "./key-exchange.ts";
import {
  deriveExtendedMasterSecret,
  deriveMasterSecret,
  ecdhePskPremaster,
  finishedVerifyData,
  pskPremaster,
} from "./key-schedule.ts";
import { type Agreement, checkHello, mayResume, negotiate } from "./negotiation.ts";
import type { ProtectionPair } from "./protection.ts";
import { restOfFlight } from "./server-flight.ts";
import { type OwnTerms, type SessionTerms, serverHelloOf, settleTerms } from "./session-terms.ts";
import { readCertificateVerify } from "./signature.ts";
import { isSignedBy } from "./signing.ts";
import { findSuite } from "./suites.ts";
import { createTranscript } from "./transcript.ts";

const SESSION_ID_BYTES = 32;
/** Of the key that stands in where an identity is not known. */
const DECOY_KEY_BYTES = 32;

/** A full handshake after our first flight: how the client is to go on. */
interface Exchange {
  readonly agreement: Agreement;
  readonly ephemeral: EphemeralKey | undefined;
}

export function createServerHandshake(parts: ServerHandshakeParts): ServerHandshake {
  const { clock, random, options, credentials, log } = parts;
  const transcript = createTranscript();
  let state: HandshakeState = "clientHello";
  let ended = false;
  let changeSeen = false;
  let messageSequence = parts.hello.messageSequence;
  let hello: ClientHello;
  let terms: SessionTerms;
  let exchange: Exchange | undefined;
  let clientProof: ClientProof;
  let masterSecret: Uint8Array;
  let established: { readonly parameters: SessionParameters; readonly protection: ProtectionPair };
  let unknownIdentity = false;
  let namedIdentity: string | undefined;

  const flights = createFlights({
    clock,
    random,
    timing: options,
    maxDatagramBytes: options.maxHandshakeDatagramBytes,
    // RFC 6347 section 4.2.1: the ServerHello has the record sequence number of the ClientHello.
    firstSequence: parts.hello.record.sequence,
    send: datagram => parts.send(datagram),
    gaveUp: () => fail({ alert: undefined, reason: "timeout" }),
  });
  const incoming = createIncomingRecords({
    clock,
    firstSequence: parts.hello.messageSequence,
    maxMessageBytes: options.maxHandshakeMessageBytes,
    alertDoubtMs: options.retransmissionTimeoutMs,
    listens: () => !ended && listensIn(state),
    message: takeMessage,
    changeCipherSpec() {
      changeSeen = true;
      changeCipher();
    },
    repeated: () => flights.repeat(),
    failed: fail,
  });

  /** Runs a step; whatever it throws ends the handshake, and nothing else. */
  function guarded(step: () => void): void {
    if (ended) return;
    try {
      step();
    } catch (error) {
      const level = isFailure(error, "HANDSHAKE_INVALID") ? "debug" : "error";
      log[level]("dtls.handshake.refused", { state, error: messageOf(error) });
      fail(endOf(error));
    }
  }

  function end(): void {
    ended = true;
    flights[Symbol.dispose]();
    incoming[Symbol.dispose]();
  }

  function fail({ alert, reason }: HandshakeEnd): void {
    if (ended) return;
    if (alert !== undefined) flights.alert(alert);
    end();
    // The peer sees both alike (RFC 4279 section 2); those who run the host should not.
    parts.failed(reason === "not-authentic" && unknownIdentity ? "unknown-identity" : reason, namedIdentity);
  }

  /** A look-up that fails is one that found nothing. */
  function look<T>(promise: Promise<T | undefined>, found: (value: T | undefined) => void): void {
    const goOn = (value: T | undefined): void =>
      guarded(() => {
        found(value);
        incoming.deliver();
      });
    promise.then(goOn, error => {
      log.warn("dtls.handshake.look-up-failed", { state, error: messageOf(error) });
      goOn(undefined);
    });
  }

  function step(event: HandshakeEvent): void {
    const next = stepHandshake(state, event);
    if (!next) throw handshakeError("unexpectedMessage", "malformed", `${event} where ${state} is due`);
    state = next;
  }

  function say(type: number, body: Uint8Array, epoch: 0 | 1 = 0): FlightItem {
    const message = { type, sequence: messageSequence++, body };
    transcript.add(message);
    return { epoch, message };
  }

  function begin(flight: readonly FlightItem[]): void {
    flights.begin(flight);
    incoming.flightEnded();
  }

  const sayFinished = (): FlightItem =>
    say(HANDSHAKE.finished, writeFinished(finishedVerifyData(masterSecret, "server", transcript.hash())), 1);

  function choose(session: SessionParameters | undefined): void {
    if (session && mayResume(hello, session, options)) resume(session);
    else beginFull();
  }

  /** @returns our ServerHello */
  function settle(choice: Pick<OwnTerms, "suite" | "encryptThenMac" | "resumptionId">, proof?: Agreement["proof"]) {
    const withCid = hello.extensions.connectionId !== undefined && options.cidLength > 0;
    const own: OwnTerms = {
      ...choice,
      serverRandom: random.bytes(RANDOM_BYTES),
      serverCid: withCid ? parts.newCid() : undefined,
      maxRecordBytes: options.maxRecordBytes,
    };
    terms = settleTerms(hello, own);
    flights.limitPlaintext(terms.maxPlaintextBytes);
    return say(HANDSHAKE.serverHello, serverHelloOf(hello, terms, own, proof));
  }

  /** Abbreviated handshake: both sides show that they have the master secret by their Finished (RFC 5246 section 7.3). */
  function resume(session: SessionParameters): void {
    step("resumptionChosen");
    const { encryptThenMac, resumptionId } = session;
    const serverHello = settle({ suite: findSuite(session.suite)!, encryptThenMac, resumptionId });
    masterSecret = session.masterSecret;
    protect(session.identity);
    begin([serverHello, "changeCipherSpec", sayFinished()]);
  }

  function beginFull(): void {
    const agreement = negotiate(hello, options, {
      certificate: credentials.serverCertificate,
      rawPublicKeys: credentials.rawPublicKey !== undefined,
    });
    step(agreement.proof ? "certificatesChosen" : "keyChosen");
    // Only a session with an extended master secret may be resumed (RFC 7627 section 5.3).
    const resumptionId = hello.extensions.extendedMasterSecret ? random.bytes(SESSION_ID_BYTES) : EMPTY_BYTES;
    const serverHello = settle({ ...agreement, resumptionId }, agreement.proof);
    const { group } = agreement;
    const ephemeral = group?.makeKey();
    exchange = { agreement, ephemeral };
    const share = group && ephemeral && { group: group.id, publicKey: ephemeral.publicKey };
    const randoms = concatBytes([terms.clientRandom, terms.serverRandom]);
    begin([serverHello, ...restOfFlight(agreement, share, randoms).map(([type, body]) => say(type, body))]);
  }

  function takeClientHello(message: HandshakeMessage): void {
    step("clientHello");
    transcript.add(message);
    hello = readClientHello(message.body);
    checkHello(hello);
    if (hello.sessionId.length === 0) choose(undefined);
    else look(parts.resumable.find(hello.sessionId), choose);
  }

  function takeCertificate(message: HandshakeMessage): void {
    step("certificate");
    transcript.add(message);
    clientProof = readClientProof(message.body, exchange!.agreement.proof!.clientType);
  }

  function takeKeyExchange(message: HandshakeMessage): void {
    step("clientKeyExchange");
    transcript.add(message);
    const { agreement, ephemeral } = exchange!;
    const { identity, publicKey } = readClientKeyExchange(message.body, agreement.suite.keyExchange);
    const shared = publicKey && ephemeral!.agree(publicKey);
    if (identity) takeIdentity(identity, shared);
    else makeMasterSecret(shared!);
  }

  function takeIdentity(identity: Uint8Array, shared: Uint8Array | undefined): void {
    const name = decodeUtf8(identity);
    namedIdentity = name;
    look(name === undefined ? Promise.resolve(undefined) : credentials.pskKey(name), key => {
      step("keyFound");
      unknownIdentity = key === undefined || key.length === 0;
      // With a key that nobody has, the handshake goes on to the same end as with a wrong one, in the same time.
      const psk = unknownIdentity ? random.bytes(DECOY_KEY_BYTES) : key!;
      makeMasterSecret(shared ? ecdhePskPremaster(psk, shared) : pskPremaster(psk));
      protect({ kind: "psk", identity: name ?? "" });
    });
  }

  /** At ClientKeyExchange, the last message that counts for the session hash (RFC 7627 section 3). */
  function makeMasterSecret(premaster: Uint8Array): void {
    masterSecret = terms.extendedMasterSecret
      ? deriveExtendedMasterSecret(premaster, transcript.hash())
      : deriveMasterSecret(premaster, terms.clientRandom, terms.serverRandom);
  }

  /** Only who has shown to have the key is looked up: nobody learns from us who is known. */
  function takeCertificateVerify(message: HandshakeMessage): void {
    step("certificateVerify");
    if (!isSignedBy(clientProof.key, transcript.bytes(), readCertificateVerify(message.body))) {
      throw handshakeError(
        "decryptError",
        "certificate-refused",
        "CertificateVerify is not signed with the client's key",
      );
    }
    transcript.add(message);
    look(clientProof.identify(credentials), identity => {
      step("trusted");
      if (!identity)
        throw handshakeError("certificateUnknown", "certificate-refused", "the certificate is not trusted");
      protect(identity);
    });
  }

  function protect(identity: PeerIdentity): void {
    const parameters = { ...terms, masterSecret, identity };
    established = { parameters, protection: deriveProtection(parameters, random) };
    flights.protect(established.protection.server, terms.clientCid);
    changeCipher();
  }

  /** A ChangeCipherSpec that overtook the key exchange is remembered; it counts when there are keys, never before. */
  function changeCipher(): void {
    if (state !== "changeCipherSpec" || !changeSeen) return;
    step("changeCipherSpec");
    incoming.open(established.protection.client, terms.serverCid);
  }

  function takeFinished(message: HandshakeMessage): void {
    step("finished");
    const expected = finishedVerifyData(masterSecret, "client", transcript.hash());
    if (!timingSafeEqual(readFinished(message.body), expected)) {
      throw handshakeError("decryptError", "not-authentic", "verify_data of Finished is wrong");
    }
    transcript.add(message);
    const resumed = exchange === undefined;
    flights.finish(resumed ? [] : ["changeCipherSpec", sayFinished()]);
    end();
    parts.done({
      ...established,
      nextSequence: flights.nextSequence,
      receivedSequence: incoming.highestSequence,
      resumed,
      lastFlight: flights.records(),
    });
  }

  function takeMessage(message: HandshakeMessage): void {
    const take = TAKES.get(message.type);
    if (!take) throw handshakeError("unexpectedMessage", "malformed", `handshake message of type ${message.type}`);
    take(message);
  }

  const TAKES: ReadonlyMap<number, (message: HandshakeMessage) => void> = new Map([
    [HANDSHAKE.clientHello, takeClientHello],
    [HANDSHAKE.certificate, takeCertificate],
    [HANDSHAKE.clientKeyExchange, takeKeyExchange],
    [HANDSHAKE.certificateVerify, takeCertificateVerify],
    [HANDSHAKE.finished, takeFinished],
  ]);

  const hasAnswered = (): boolean => state !== "clientHello" && state !== "choice";
  guarded(() => incoming.receive(parts.hello.record));
  // Until the first flight is out the timer alone runs: a hello whose other fragments never come does not stay.
  if (!ended && !hasAnswered()) flights.begin([]);

  return {
    receive: record => guarded(() => incoming.receive(record)),
    [Symbol.dispose]: end,
  };
}
