import { assert } from "chai";
import { EMPTY_BYTES } from "../../../src/base/bytes.ts";
import { createManualClock } from "../../../src/base/clock.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { type ClientHello, readHelloStart, writeClientHello } from "../../../src/transport/dtls/client-hello.ts";
import { cutMessage, HANDSHAKE, readFragments, writeFragment } from "../../../src/transport/dtls/handshake-message.ts";
import { createHelloVerifier } from "../../../src/transport/dtls/hello-verifier.ts";
import { readHelloVerifyRequest } from "../../../src/transport/dtls/hello-verify-request.ts";
import { CONTENT, type RecordView, readRecords, writePlainRecord } from "../../../src/transport/dtls/records.ts";

const CLIENT = "192.0.2.7:5684";
const HELLO: ClientHello = {
  version: 0xfefd,
  random: new Uint8Array(32).fill(1),
  sessionId: EMPTY_BYTES,
  cookie: EMPTY_BYTES,
  suites: [0xc0a8],
  compressionMethods: [0],
  extensions: { extendedMasterSecret: true },
};

const viewOf = (datagram: Uint8Array): RecordView => readRecords(datagram, 0).records[0]!;

/** Records of a hello, one for each fragment. */
function hello(
  change: Partial<ClientHello> = {},
  sequence = 0,
  recordSequence = 0,
  fragmentBytes = 1000,
): RecordView[] {
  const body = writeClientHello({ ...HELLO, ...change });
  return cutMessage({ type: HANDSHAKE.clientHello, sequence, body }, 12 + fragmentBytes).map((fragment, i) =>
    viewOf(writePlainRecord(CONTENT.handshake, recordSequence + i, writeFragment(fragment))),
  );
}

function createFixture() {
  const clock = createManualClock();
  const verifier = createHelloVerifier({ clock, random: createSeededRandom(3) });
  const look = (record: RecordView, client = CLIENT) => verifier.look(record, client);
  const reply = (record: RecordView, client = CLIENT): Uint8Array => {
    const answer = look(record, client);
    return answer.kind === "verify" ? answer.reply : assert.fail(`answered with ${answer.kind}`);
  };
  const cookieIn = (datagram: Uint8Array): Uint8Array =>
    readHelloVerifyRequest(readFragments(viewOf(datagram).fragment)[0]!.body).cookie;
  const cookieFor = (change: Partial<ClientHello> = {}, client = CLIENT): Uint8Array =>
    cookieIn(reply(hello(change)[0]!, client));
  return { clock, look, reply, cookieFor };
}

const MINUTE_MS = 60_000;

describe("dtls/hello-verifier", () => {
  it("RFC 6347 4.2.1: a hello without a cookie is answered with one, under its own sequence numbers", () => {
    const { reply } = createFixture();
    const record = viewOf(reply(hello({}, 2, 77)[0]!));
    const [request] = readFragments(record.fragment);
    assert.deepEqual([record.type, record.epoch, record.sequence], [CONTENT.handshake, 0, 77]);
    assert.deepEqual([request!.type, request!.sequence], [HANDSHAKE.helloVerifyRequest, 2]);
    assert.equal(readHelloVerifyRequest(request!.body).version, 0xfeff);
  });

  it("RFC 6347 4.2.1: a hello that brings its cookie is verified", () => {
    const { look, cookieFor } = createFixture();
    const [record] = hello({ cookie: cookieFor() }, 1, 1);
    const start = readHelloStart(readFragments(record!.fragment)[0]!.body);
    assert.deepEqual(look(record!), { kind: "verified", hello: { record: record!, messageSequence: 1, start } });
  });

  it("RFC 6347 4.2.1: the answer is not larger than the smallest hello", () => {
    const { reply } = createFixture();
    const [smallest] = hello({ extensions: {} }, 0, 0, 36);
    assert.isAtMost(reply(smallest!).length, smallest!.fragment.length + 13);
  });

  it("RFC 6347 4.2.1: nothing is remembered: the same hello gets the same cookie, from any verifier with the key", () => {
    const [one, other] = [createFixture(), createFixture()];
    assert.deepEqual(one.cookieFor(), one.cookieFor());
    assert.deepEqual(one.cookieFor(), other.cookieFor());
  });

  const NOT_VERIFIED: readonly [string, Partial<ClientHello>, string][] = [
    ["of another address", {}, "192.0.2.8:5684"],
    ["of another port", {}, "192.0.2.7:5685"],
    ["for another random", { random: new Uint8Array(32).fill(2) }, CLIENT],
    ["for another session ID", { sessionId: Uint8Array.of(1) }, CLIENT],
    ["for another version", { version: 0xfefc }, CLIENT],
  ];
  for (const [what, change, client] of NOT_VERIFIED) {
    it(`RFC 6347 4.2.1: a cookie ${what} is asked for anew`, () => {
      const { look, cookieFor } = createFixture();
      const cookie = cookieFor();
      const answer = look(hello({ ...change, cookie }, 1)[0]!, client);
      assert.equal(answer.kind, "verify");
    });
  }

  it("a forged cookie is asked for anew, whatever bit differs and whatever its length", () => {
    const { look, cookieFor } = createFixture();
    const cookie = cookieFor();
    for (let i = 0; i < cookie.length; i++) {
      const forged = Uint8Array.from(cookie);
      forged[i]! ^= 1;
      assert.equal(look(hello({ cookie: forged }, 1)[0]!).kind, "verify");
    }
    for (const length of [1, 15, 17, 255]) {
      assert.equal(look(hello({ cookie: new Uint8Array(length) }, 1)[0]!).kind, "verify");
    }
  });

  it("a cookie is good for one change of the key, not for two", async () => {
    const { clock, look, cookieFor } = createFixture();
    const [record] = hello({ cookie: cookieFor() }, 1);
    await clock.advance(4 * MINUTE_MS);
    assert.equal(look(record!).kind, "verified");
    await clock.advance(2 * MINUTE_MS);
    assert.equal(look(record!).kind, "verified");
    await clock.advance(5 * MINUTE_MS);
    assert.equal(look(record!).kind, "verify");
  });

  it("a cookie of before a long silence is not good", async () => {
    const { clock, look, cookieFor } = createFixture();
    const [record] = hello({ cookie: cookieFor() }, 1);
    await clock.advance(60 * MINUTE_MS);
    assert.equal(look(record!).kind, "verify");
    const fresh = hello({ cookie: cookieFor() }, 1)[0]!;
    await clock.advance(4 * MINUTE_MS);
    assert.equal(look(fresh).kind, "verified");
  });

  it("RFC 6347 4.2.1: a hello in fragments is asked and verified by its first one, the others are left alone", () => {
    const { look, reply, cookieFor } = createFixture();
    const [first, ...others] = hello({}, 0, 0, 40);
    assert.isAbove(others.length, 0);
    assert.isAbove(reply(first!).length, 0);
    for (const other of others) assert.equal(look(other).kind, "ignored");
    const [again, ...rest] = hello({ cookie: cookieFor() }, 1, 3, 56);
    assert.equal(look(again!).kind, "verified");
    for (const other of rest) assert.equal(look(other).kind, "ignored");
  });

  it("a first fragment that does not hold its whole cookie is ignored", () => {
    const { look, cookieFor } = createFixture();
    assert.equal(look(hello({ cookie: cookieFor() }, 1, 1, 50)[0]!).kind, "ignored");
  });

  const IGNORED: readonly [string, Partial<RecordView>][] = [
    ["another content type", { type: CONTENT.applicationData }],
    ["another epoch", { epoch: 1 }],
    ["a sequence number that leaves no room for ours", { sequence: 2 ** 48 - 1 }],
    ["no fragment", { fragment: Uint8Array.of(1, 2, 3) }],
  ];
  for (const [what, change] of IGNORED) {
    it(`ignores ${what}`, () => assert.equal(createFixture().look({ ...hello()[0]!, ...change }).kind, "ignored"));
  }

  it("ignores TLS, other messages and message_seq that no hello has", () => {
    const { look } = createFixture();
    assert.equal(look(hello({ version: 0x0303 })[0]!).kind, "ignored");
    assert.equal(look(hello({}, 9)[0]!).kind, "ignored");
    const body = writeClientHello(HELLO);
    const other = writeFragment({ type: HANDSHAKE.certificate, sequence: 0, offset: 0, length: body.length, body });
    assert.equal(look({ ...hello()[0]!, fragment: other }).kind, "ignored");
  });

  it("a hello cut short or changed at any byte is answered or ignored, nothing else", () => {
    const { look } = createFixture();
    const [record] = hello({ cookie: new Uint8Array(16) }, 1);
    for (let i = 0; i < record!.fragment.length; i++) {
      look({ ...record!, fragment: record!.fragment.subarray(0, i) });
      for (const bits of [1, 0x80, 0xff]) {
        const fragment = Uint8Array.from(record!.fragment);
        fragment[i]! ^= bits;
        assert.notEqual(look({ ...record!, fragment }).kind, "verified");
      }
    }
  });
});
