/** A package as the body of a Write, in the format that the device's settings name (agent specification 3.3), read as it leaves. */
import { concatBytes, EMPTY_BYTES, encodeUtf8 } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import type { BodySource } from "../../coap/endpoint.ts";
import { CONTENT_FORMAT, type CodecContext } from "../codecs/codec.ts";
import { codecFor } from "../codecs/codec-table.ts";
import { tlvHeader } from "../codecs/tlv-wire.ts";
import type { Lwm2mPath } from "../path.ts";

/** Something before and after a body. */
function framed(head: Uint8Array, body: BodySource, tail: Uint8Array): BodySource {
  const bodyEnd = head.length + body.length;
  return {
    length: bodyEnd + tail.length,
    async read(at, length) {
      const end = at + length;
      const from = Math.max(at, head.length);
      const inBody = Math.min(end, bodyEnd) - from;
      return concatBytes([
        head.subarray(at, end),
        inBody > 0 ? await body.read(from - head.length, inBody) : EMPTY_BYTES,
        tail.subarray(Math.max(0, at - bodyEnd), Math.max(0, end - bodyEnd)),
      ]);
    },
  };
}

/** Base64 with padding: three bytes become four characters. */
function base64(body: BodySource): BodySource {
  return {
    length: Math.ceil(body.length / 3) * 4,
    async read(at, length) {
      const first = Math.floor(at / 4);
      const last = Math.ceil((at + length) / 4);
      const bytes = await body.read(first * 3, Math.min((last - first) * 3, body.length - first * 3));
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
      return encodeUtf8(text.slice(at - first * 4, at - first * 4 + length));
    },
  };
}

/** Three bytes whose Base64 stands for that of the package. */
const PLACEHOLDER = Uint8Array.of(0xff, 0xff, 0xff);
const PLACEHOLDER_TEXT = "////";

/** The old JSON, round a Base64 text. */
function json(body: BodySource, path: Lwm2mPath, context: CodecContext): BodySource {
  const encoded = codecFor(CONTENT_FORMAT.JSON).encode([{ path, type: "OPAQUE", value: PLACEHOLDER }], context);
  const [head, tail] = new TextDecoder().decode(encoded).split(PLACEHOLDER_TEXT) as [string, string];
  return framed(encodeUtf8(head), base64(body), encodeUtf8(tail));
}

/**
 * @param path of the Package resource
 * @throws MooringError CONTENT_FORMAT_UNSUPPORTED, VALUE_TYPE where it is too long for TLV
 */
export function packageBody(
  body: BodySource,
  contentFormat: number,
  path: Lwm2mPath,
  context: CodecContext,
): BodySource {
  switch (contentFormat) {
    case CONTENT_FORMAT.OPAQUE:
      return body;
    case CONTENT_FORMAT.TLV:
      return framed(tlvHeader("resource", path[2]!, body.length), body, EMPTY_BYTES);
    case CONTENT_FORMAT.TEXT:
      return base64(body);
    case CONTENT_FORMAT.JSON:
      return json(body, path, context);
  }
  throw new MooringError("CONTENT_FORMAT_UNSUPPORTED", `no package is written in Content-Format ${contentFormat}`, {
    contentFormat,
  });
}
