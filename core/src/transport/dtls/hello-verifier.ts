/**
 * Cookies for strangers (RFC 6347 section 4.2.1): a peer proves that it is where it says it is before anything is kept of it. All that
 * is looked at is the first fragment of the ClientHello, so that hellos larger than a datagram are verified like others.
 */
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { isFailure } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { DTLS_1_0, type HelloStart, readHelloStart } from "./client-hello.ts";
import type { CookieKey, HelloVerifier } from "./handshake.ts";
import { HANDSHAKE, type HandshakeFragment, readFragments, writeMessage } from "./handshake-message.ts";
import { writeHelloVerifyRequest } from "./hello-verify-request.ts";
import { CONTENT, MAX_SEQUENCE, type RecordView, writePlainRecord } from "./records.ts";
import { joinBytes, uint16, vector8 } from "./wire.ts";

const KEY_BYTES = 32;
/** Enough that nobody guesses one, and few enough that the cookie stands in the first fragment of a hello cut very small. */
const COOKIE_BYTES = 16;
/** Cookies are good for one to two of these. */
const KEY_LIFETIME_MS = 300_000;
/** DTLS of any version has this as the first byte of its version. */
const DTLS_MAJOR = 0xfe;
/** A hello comes after one HelloVerifyRequest, or a few where cookies grew old on the way. */
const MAX_HELLOS = 8;
/** Left of the sequence numbers after the hello, since ours go on from its (RFC 6347 section 4.2.1). */
const SEQUENCES_LEFT = 2 ** 16;

export interface HelloVerifierParts {
  readonly clock: Pick<Clock, "monotonic">;
  readonly random: Pick<Random, "bytes">;
}

const IGNORED = { kind: "ignored" } as const;

/** The first fragment of a ClientHello; undefined for any other record. */
function firstFragment(record: RecordView): HandshakeFragment | undefined {
  if (record.type !== CONTENT.handshake || record.epoch !== 0 || record.sequence > MAX_SEQUENCE - SEQUENCES_LEFT) {
    return undefined;
  }
  const [first] = readFragments(record.fragment);
  const isHello = first?.type === HANDSHAKE.clientHello && first.offset === 0 && first.sequence <= MAX_HELLOS;
  return isHello ? first : undefined;
}

/**
 * Over the address and what stands before the cookie; both hellos have it alike. Suites and compression methods stand behind it, in the
 * first fragment or not: the Finished messages cover them.
 */
const cookieOf = (key: CookieKey, hello: HelloStart, client: string): Uint8Array =>
  createHmac("sha256", key)
    .update(joinBytes([vector8(Buffer.from(client)), uint16(hello.version), hello.random, hello.sessionId]))
    .digest()
    .subarray(0, COOKIE_BYTES);

export function createHelloVerifier({ clock, random }: HelloVerifierParts): HelloVerifier {
  const freshKey = (): CookieKey => createSecretKey(random.bytes(KEY_BYTES));
  let [current, previous] = [freshKey(), freshKey()];
  let changeAtMs = clock.monotonic() + KEY_LIFETIME_MS;

  function changeKeys(): void {
    const lateMs = clock.monotonic() - changeAtMs;
    if (lateMs < 0) return;
    // After a long silence both are too old.
    previous = lateMs < KEY_LIFETIME_MS ? current : freshKey();
    current = freshKey();
    changeAtMs += KEY_LIFETIME_MS * (1 + Math.floor(lateMs / KEY_LIFETIME_MS));
  }

  /** @returns the cookie that the hello should have brought, or undefined: it has */
  function missingCookie(hello: HelloStart, client: string): Uint8Array | undefined {
    const expected = cookieOf(current, hello, client);
    if (hello.cookie.length !== expected.length) return expected;
    if (timingSafeEqual(hello.cookie, expected)) return undefined;
    return timingSafeEqual(hello.cookie, cookieOf(previous, hello, client)) ? undefined : expected;
  }

  /** Answers with the hello's own sequence numbers: nothing has to be remembered (RFC 6347 section 4.2.1). */
  const ask = (record: RecordView, sequence: number, cookie: Uint8Array): Uint8Array => {
    const body = writeHelloVerifyRequest({ version: DTLS_1_0, cookie });
    return writePlainRecord(
      CONTENT.handshake,
      record.sequence,
      writeMessage({ type: HANDSHAKE.helloVerifyRequest, sequence, body }),
    );
  };

  return {
    look(record, client) {
      try {
        const first = firstFragment(record);
        if (!first) return IGNORED;
        const start = readHelloStart(first.body);
        if (start.version >> 8 !== DTLS_MAJOR) return IGNORED;
        changeKeys();
        const cookie = missingCookie(start, client);
        return cookie
          ? { kind: "verify", reply: ask(record, first.sequence, cookie) }
          : { kind: "verified", hello: { record, messageSequence: first.sequence, start } };
      } catch (error) {
        if (isFailure(error, "HANDSHAKE_INVALID")) return IGNORED;
        throw error;
      }
    },
  };
}
