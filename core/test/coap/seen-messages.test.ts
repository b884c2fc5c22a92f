import { assert } from "chai";
import { CON, createMessageView, encodeMessage, parseMessage } from "../../src/coap/message.ts";
import {
  addSeen,
  allExpired,
  createSeenMessages,
  findSeen,
  MAX_SEEN,
  PENDING,
  seenKey,
  setReply,
} from "../../src/coap/seen-messages.ts";
import { messageOf, text } from "./support/endpoints.ts";

const keyOf = (message: Parameters<typeof messageOf>[0]): number => {
  const view = createMessageView();
  parseMessage(encodeMessage(messageOf(message)), view);
  return seenKey(view);
};

describe("coap/seen-messages", () => {
  it("RFC 7252 4.5: a message is known until its lifetime is over", () => {
    const seen = createSeenMessages();
    addSeen(seen, 7, 1000, PENDING, 0);
    assert.equal(seen.replies[findSeen(seen, 7, 999)], PENDING);
    setReply(seen, 7, 68);
    assert.equal(seen.replies[findSeen(seen, 7, 999)], 68);
    assert.equal(findSeen(seen, 8, 0), -1);
    assert.isTrue(allExpired(seen, 1000));
    assert.isFalse(allExpired(seen, 999));
    assert.equal(findSeen(seen, 7, 1000), -1);
  });

  it("a key used again after its lifetime is one new entry", () => {
    const seen = createSeenMessages();
    addSeen(seen, 7, 1000, 68, 0);
    assert.equal(findSeen(seen, 7, 2000), -1);
    addSeen(seen, 7, 3000, PENDING, 2000);
    setReply(seen, 7, 69);
    assert.equal(seen.replies[findSeen(seen, 7, 2500)], 69);
  });

  it("stays small while the old ones expire", () => {
    const seen = createSeenMessages();
    for (let i = 0; i < 1000; i++) {
      const nowMs = i * 1000;
      assert.equal(findSeen(seen, i, nowMs), -1);
      addSeen(seen, i, nowMs + 3500, 0, nowMs);
      for (let back = 0; back <= 3 && back <= i; back++) assert.isAtLeast(findSeen(seen, i - back, nowMs), 0);
    }
    assert.equal(seen.keys.length, 4);
  });

  it("grows up to its limit, then the oldest gives way, in order of age", () => {
    const seen = createSeenMessages();
    for (let i = 0; i < 1000; i++) {
      addSeen(seen, i, 1e9, 0, i);
      const first = Math.max(0, i - MAX_SEEN + 1);
      assert.isAtLeast(findSeen(seen, first, i), 0, `${first} at ${i}`);
      if (first > 0) assert.equal(findSeen(seen, first - 1, i), -1);
    }
    assert.equal(seen.keys.length, MAX_SEEN);
  });

  it("going round and growing afterwards keeps the order of age", () => {
    const seen = createSeenMessages();
    for (let i = 0; i < 6; i++) addSeen(seen, i, i < 3 ? 100 : 1e9, 0, i < 4 ? 0 : 200);
    for (let i = 6; i < 6 + MAX_SEEN - 1; i++) addSeen(seen, i, 1e9, 0, 200);
    assert.equal(findSeen(seen, 5, 300) >= 0, true);
    for (let i = 6; i < 6 + MAX_SEEN - 1; i++) assert.isAtLeast(findSeen(seen, i, 300), 0);
  });

  it("the same id with another token, code or length is another message: a device that restarted counts anew", () => {
    const register = { type: CON, code: 2, messageId: 1, token: text("a"), payload: text("</1/0>") } as const;
    const key = keyOf(register);
    assert.equal(keyOf(register), key);
    assert.notEqual(keyOf({ ...register, token: text("b") }), key);
    assert.notEqual(keyOf({ ...register, code: 3 }), key);
    assert.notEqual(keyOf({ ...register, payload: text("</1/0>,</3/0>") }), key);
    assert.equal(key & 0xffff, 1);
  });
});
