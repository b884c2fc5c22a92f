/** All handshake messages so far, as if none had been cut (RFC 5246 section 7.4.9, RFC 6347 section 4.2.6). */
import { hash } from "node:crypto";
import { type HandshakeMessage, writeMessage } from "./handshake-message.ts";
import { joinBytes } from "./wire.ts";

export interface Transcript {
  /** The first ClientHello and HelloVerifyRequest do not belong to it. */
  add(message: HandshakeMessage): void;
  /** Whole messages, what a CertificateVerify signs (RFC 5246 section 7.4.8). */
  bytes(): Uint8Array;
  /** SHA-256 of them: what Finished and the extended master secret take, with every suite of ours. */
  hash(): Uint8Array;
}

export function createTranscript(): Transcript {
  const messages: Uint8Array[] = [];
  const bytes = (): Uint8Array => joinBytes(messages);
  return {
    add: message => void messages.push(writeMessage(message)),
    bytes,
    hash: () => hash("sha256", bytes(), "buffer"),
  };
}
