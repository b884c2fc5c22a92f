import { assert } from "chai";
import { CODES } from "../../src/coap/codes.ts";
import { type CoapMessage, createMessageView, encodeMessage, parseMessage } from "../../src/coap/message.ts";
import { OPTIONS } from "../../src/coap/options.ts";
import { type Refusal, readRequest, readResponse } from "../../src/coap/read-message.ts";
import { block, messageOf, pathOptions, text, uint } from "./support/endpoints.ts";

const viewOf = (message: Partial<CoapMessage>) => {
  const view = createMessageView();
  assert.isUndefined(parseMessage(encodeMessage(messageOf(message)), view));
  return view;
};
const asRequest = (message: Partial<CoapMessage>) => readRequest(viewOf({ code: 2, ...message }));
const asResponse = (message: Partial<CoapMessage>) => readResponse(viewOf({ code: 69, ...message }));
const option = (number: number, value: Uint8Array) => ({ number, value });
const NOTHING = new Uint8Array(0);

describe("coap/read-message", () => {
  it("reads what a request can say", () => {
    assert.deepEqual(
      asRequest({
        options: [
          option(OPTIONS.URI_HOST, text("example.org")),
          uint(OPTIONS.URI_PORT, 5783),
          ...pathOptions("rd/ü"),
          uint(OPTIONS.CONTENT_FORMAT, 40),
          option(OPTIONS.URI_QUERY, text("ep=a")),
          option(OPTIONS.URI_QUERY, text("lt=60")),
          uint(OPTIONS.ACCEPT, 11_542),
          uint(OPTIONS.BLOCK2, block(0, false, 4)),
          uint(OPTIONS.BLOCK1, block(2, true, 6)),
          uint(OPTIONS.SIZE1, 70_000),
          option(OPTIONS.REQUEST_TAG, Uint8Array.of(0xab)),
        ],
        payload: text("x"),
      }),
      {
        request: {
          method: "POST",
          path: ["rd", "ü"],
          query: ["ep=a", "lt=60"],
          contentFormat: 40,
          accept: 11_542,
          messageId: 1,
          payload: text("x"),
        },
        block1: { num: 2, more: true, szx: 6 },
        block2: { num: 0, more: false, szx: 4 },
        size1: 70_000,
        requestTag: "ab.",
      },
    );
  });

  it("reads what a response can say", () => {
    assert.deepEqual(
      asResponse({
        code: 65,
        options: [
          option(OPTIONS.ETAG, text("e")),
          uint(OPTIONS.OBSERVE, 12),
          option(OPTIONS.LOCATION_PATH, text("rd")),
          option(OPTIONS.LOCATION_PATH, text("5a")),
          uint(OPTIONS.CONTENT_FORMAT, 0),
          uint(OPTIONS.MAX_AGE, 90),
          uint(OPTIONS.BLOCK2, block(1, false, 6)),
          uint(OPTIONS.SIZE2, 1500),
        ],
      }),
      {
        response: {
          code: 65,
          etag: text("e"),
          locationPath: ["rd", "5a"],
          contentFormat: 0,
          maxAgeSeconds: 90,
          payload: NOTHING,
        },
        observe: 12,
        block1: undefined,
        block2: { num: 1, more: false, szx: 6 },
        size2: 1500,
      },
    );
  });

  it("real-devices D3: Content-Format 65535 is none", () => {
    const request = asRequest({ options: [uint(OPTIONS.CONTENT_FORMAT, 65_535)] });
    const response = asResponse({ options: [uint(OPTIONS.CONTENT_FORMAT, 65_535)] });
    assert.notProperty("request" in request && request.request, "contentFormat");
    assert.notProperty("response" in response && response.response, "contentFormat");
  });

  const REFUSED: readonly [name: string, Partial<CoapMessage>, code: number][] = [
    ["RFC 7252 5.4.1: critical option 9", { options: [option(9, NOTHING)] }, CODES.BAD_OPTION],
    ["RFC 7252 5.4.1: critical option 2049", { options: [option(2049, NOTHING)] }, CODES.BAD_OPTION],
    ["RFC 7252 5.4.3: Uri-Path too long", { options: [option(11, new Uint8Array(256))] }, CODES.BAD_OPTION],
    ["RFC 7252 5.4.3: Uri-Host empty", { options: [option(3, NOTHING)] }, CODES.BAD_OPTION],
    ["RFC 7252 5.4.3: Accept of 3 bytes", { options: [option(17, new Uint8Array(3))] }, CODES.BAD_OPTION],
    ["RFC 7252 5.4.5: Accept twice", { options: [uint(17, 0), uint(17, 40)] }, CODES.BAD_OPTION],
    ["RFC 7252 5.4.5: Block1 twice", { options: [uint(27, 0), uint(27, 0)] }, CODES.BAD_OPTION],
    [
      "RFC 7252 5.10.8: If-Match, conditional requests are not offered",
      { options: [option(1, NOTHING)] },
      CODES.BAD_OPTION,
    ],
    ["RFC 7252 5.10.8: If-None-Match", { options: [option(5, NOTHING)] }, CODES.BAD_OPTION],
    ["RFC 3629: Uri-Path not UTF-8", { options: [option(11, Uint8Array.of(0xff))] }, CODES.BAD_OPTION],
    ["RFC 7252 5.10.2: Proxy-Uri", { options: [option(35, text("coap://x"))] }, CODES.PROXYING_NOT_SUPPORTED],
    ["RFC 7252 5.10.2: Proxy-Scheme", { options: [option(39, text("coap"))] }, CODES.PROXYING_NOT_SUPPORTED],
    ["RFC 7959 2.2: Block1 with SZX 7", { options: [uint(27, 7)] }, CODES.BAD_REQUEST],
    ["RFC 7959 2.2: Block2 with SZX 7", { options: [uint(23, 15)] }, CODES.BAD_REQUEST],
    ["RFC 7252 5.8: method code 0.08", { code: 8 }, CODES.METHOD_NOT_ALLOWED],
    ["RFC 9177 4.1: Q-Block1 is not offered", { options: [uint(19, 0)] }, CODES.BAD_OPTION],
  ];
  for (const [name, message, code] of REFUSED) {
    it(`${name}: is refused with a reason`, () => {
      const refusal = asRequest(message) as Refusal;
      assert.equal(refusal.code, code);
      assert.isAbove(refusal.reason.length, 5);
    });
  }

  it("RFC 7252 5.4.1: elective options that are not known are handed up", () => {
    const read = asRequest({ options: [option(2048, text("x")), option(258, Uint8Array.of(2))] });
    assert.deepEqual("request" in read && read.request.options, [
      option(258, Uint8Array.of(2)),
      option(2048, text("x")),
    ]);
    const response = asResponse({ options: [option(2048, text("x"))] });
    assert.deepEqual("response" in response && response.response.options, [option(2048, text("x"))]);
  });

  it("RFC 7252 5.4.3, 5.4.5: elective options of a wrong length or repeated are ignored", () => {
    const read = asRequest({ options: [uint(12, 40), uint(12, 50), option(60, new Uint8Array(5))] });
    assert.deepEqual(read, {
      request: { method: "POST", path: [], query: [], contentFormat: 40, messageId: 1, payload: NOTHING },
      block1: undefined,
      block2: undefined,
      size1: undefined,
      requestTag: "",
    });
  });

  it("RFC 7252 5.4.1: a critical option that is not known makes a response unusable", () => {
    assert.property(asResponse({ options: [option(9, NOTHING)] }), "reason");
    assert.property(asResponse({ options: [uint(23, 7)] }), "reason");
    assert.property(asResponse({ options: [option(8, Uint8Array.of(0xc0))] }), "reason");
  });

  it("RFC 7959 2.2: a Block1 option without bytes is block 0 of 16 bytes", () => {
    const read = asRequest({ options: [option(27, NOTHING)] });
    assert.deepEqual("block1" in read && read.block1, { num: 0, more: false, szx: 0 });
  });
});
