import { assert } from "chai";
import { fromHex } from "../../../src/base/bytes.ts";
import type { Notification } from "../../../src/coap/endpoint.ts";
import { notificationKey } from "../../../src/lwm2m/observation/message-key.ts";
import { countOne, createRateFigure, perMinute } from "../../../src/lwm2m/observation/rate-figure.ts";

const notification = (over: Partial<Notification>): Notification =>
  ({
    observation: { token: fromHex("0a0b") },
    sequence: 7,
    messageId: 99,
    receivedAtMs: Date.UTC(2026, 0, 2, 3),
    ...over,
  }) as Notification;

describe("lwm2m/observation/message-key", () => {
  it("is the same for a repetition and another for another message", () => {
    const key = notificationKey("reg", notification({}));
    assert.equal(key, "reg/0a0b/7/99/20455");
    assert.equal(notificationKey("reg", notification({ receivedAtMs: Date.UTC(2026, 0, 2, 4) })), key);
    assert.notEqual(notificationKey("reg", notification({ messageId: 100 })), key);
    assert.notEqual(notificationKey("reg", notification({ sequence: 8 })), key);
    assert.notEqual(notificationKey("reg", notification({ receivedAtMs: Date.UTC(2026, 0, 3) })), key);
    assert.notEqual(notificationKey("other", notification({})), key);
  });
});

describe("lwm2m/observation/rate-figure", () => {
  it("D9: messages per minute, the last minute counted by its share", () => {
    const figure = createRateFigure();
    for (let ms = 0; ms < 60_000; ms += 50) countOne(figure, ms);
    assert.equal(perMinute(figure, 60_000), 1200);
    assert.equal(perMinute(figure, 90_000), 600);
    assert.equal(perMinute(figure, 180_000), 0);
  });
});
