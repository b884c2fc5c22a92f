/** A PSK client that says what a test tells it, in whatever order, epoch and form. */
import { hash } from "node:crypto";
import { concatBytes, EMPTY_BYTES, encodeUtf8 } from "../../../../src/base/bytes.ts";
import { ALERT, readAlert } from "../../../../src/transport/dtls/alert.ts";
import { type ClientHello, DTLS_1_2, writeClientHello } from "../../../../src/transport/dtls/client-hello.ts";
import { deriveProtection } from "../../../../src/transport/dtls/derive-protection.ts";
import { HANDSHAKE, readFragments, writeMessage } from "../../../../src/transport/dtls/handshake-message.ts";
import { readHelloVerifyRequest } from "../../../../src/transport/dtls/hello-verify-request.ts";
import { writeClientKeyExchange } from "../../../../src/transport/dtls/key-exchange.ts";
import { deriveMasterSecret, finishedVerifyData, pskPremaster } from "../../../../src/transport/dtls/key-schedule.ts";
import type { ProtectionPair } from "../../../../src/transport/dtls/protection.ts";
import { CONTENT, readRecords, writePlainRecord } from "../../../../src/transport/dtls/records.ts";
import { readServerHello } from "../../../../src/transport/dtls/server-hello.ts";
import { type HandshakeWorld, PSK } from "./handshake-world.ts";

const SUITE = 0xc0a8;
const CHANGE_CIPHER_SPEC = Uint8Array.of(1);
const RANDOM = new Uint8Array(32).fill(3);

export interface ScriptedClient {
  /** Both hellos; the server's flight is there afterwards. */
  hello(change?: Partial<ClientHello>): Promise<void>;
  /** message_seq of the next message. */
  sequence: number;
  say(type: number, body: Uint8Array): void;
  keyExchange(identity?: string): void;
  changeCipherSpec(): void;
  /** Under the keys of the master secret, the right one unless told otherwise. */
  finished(masterSecret?: Uint8Array): void;
  /** The right verify_data, not protected. */
  finishedInPlaintext(): void;
  sealed(type: number, content: Uint8Array): void;
  plain(type: number, content: Uint8Array): void;
  masterSecret(): Uint8Array;
  /** Names of alerts of the server in plaintext. */
  alerts(): string[];
}

export function createScriptedClient(world: HandshakeWorld): ScriptedClient {
  const transcript: Uint8Array[] = [];
  let plainSequence = 0;
  let sealedSequence = 0;
  let serverRandom: Uint8Array = EMPTY_BYTES;

  const client: ScriptedClient = {
    sequence: 0,
    async hello(change = {}) {
      let cookie: Uint8Array = EMPTY_BYTES;
      for (let tries = 0; tries < 2; tries++) {
        const seen = world.fromServer.length;
        transcript.length = 0;
        client.say(HANDSHAKE.clientHello, helloWith(cookie, change));
        await world.clock.advance(0);
        for (const message of messages(world.fromServer.slice(seen))) {
          if (message.type === HANDSHAKE.helloVerifyRequest) cookie = readHelloVerifyRequest(message.body).cookie;
          else transcript.push(writeMessage(message));
          if (message.type === HANDSHAKE.serverHello) serverRandom = readServerHello(message.body).random;
        }
      }
    },
    say(type, body) {
      const message = writeMessage({ type, sequence: client.sequence++, body });
      transcript.push(message);
      client.plain(CONTENT.handshake, message);
    },
    keyExchange: (identity = PSK.identity) =>
      client.say(HANDSHAKE.clientKeyExchange, writeClientKeyExchange({ identity: encodeUtf8(identity) })),
    changeCipherSpec: () => client.plain(CONTENT.changeCipherSpec, CHANGE_CIPHER_SPEC),
    finished(masterSecret = client.masterSecret()) {
      const content = finishedMessage(masterSecret);
      world.inject(protection(masterSecret).client.seal(CONTENT.handshake, 1, sealedSequence++, EMPTY_BYTES, content));
    },
    finishedInPlaintext: () => client.plain(CONTENT.handshake, finishedMessage(client.masterSecret())),
    sealed(type, content) {
      const { client: sealing } = protection(client.masterSecret());
      world.inject(sealing.seal(type, 1, sealedSequence++, EMPTY_BYTES, content));
    },
    plain: (type, content) => world.inject(writePlainRecord(type, plainSequence++, content)),
    masterSecret: () => deriveMasterSecret(pskPremaster(PSK.key), RANDOM, serverRandom),
    alerts: () =>
      plainRecords(world.fromServer).flatMap(({ type, fragment }) => {
        const alert = type === CONTENT.alert ? readAlert(fragment) : undefined;
        return alert ? Object.entries(ALERT).flatMap(([name, code]) => (code === alert.description ? [name] : [])) : [];
      }),
  };

  const helloWith = (cookie: Uint8Array, change: Partial<ClientHello>): Uint8Array =>
    writeClientHello({
      version: DTLS_1_2,
      random: RANDOM,
      sessionId: EMPTY_BYTES,
      suites: [SUITE],
      compressionMethods: [0],
      extensions: {},
      ...change,
      cookie,
    });

  const finishedMessage = (masterSecret: Uint8Array): Uint8Array => {
    const transcriptHash = hash("sha256", concatBytes(transcript), "buffer");
    const body = finishedVerifyData(masterSecret, "client", transcriptHash);
    return writeMessage({ type: HANDSHAKE.finished, sequence: client.sequence, body });
  };

  const protection = (masterSecret: Uint8Array): ProtectionPair =>
    deriveProtection(
      {
        suite: SUITE,
        masterSecret,
        clientRandom: RANDOM,
        serverRandom,
        encryptThenMac: false,
        clientCid: EMPTY_BYTES,
        serverCid: undefined,
      },
      { bytes: length => new Uint8Array(length) },
    );

  return client;
}

const plainRecords = (datagrams: readonly Uint8Array[]) =>
  datagrams.flatMap(datagram => readRecords(datagram, 0).records).filter(({ epoch }) => epoch === 0);

const messages = (datagrams: readonly Uint8Array[]) =>
  plainRecords(datagrams).flatMap(({ type, fragment }) => (type === CONTENT.handshake ? readFragments(fragment) : []));
