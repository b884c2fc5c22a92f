/** A CoAP message in one line, for people. */
import { decodeUtf8, toHex } from "@mooring/core/internal/base/bytes.ts";
import { formatCode, methodOf } from "@mooring/core/internal/coap/codes.ts";
import type { CoapMessage } from "@mooring/core/internal/coap/message.ts";
import { OPTIONS, optionName } from "@mooring/core/internal/coap/options.ts";

const TYPES = ["CON", "NON", "ACK", "RST"] as const;
const MOST_BYTES = 40;

/** `CON GET /3303/0/5700 Observe=00 Accept=2d16 [3 bytes c10937]` */
export function describeMessage({ type, code, options, payload }: CoapMessage): string {
  const path = options.filter(({ number }) => number === OPTIONS.URI_PATH).map(({ value }) => decodeUtf8(value) ?? "?");
  const others = options
    .filter(({ number }) => number !== OPTIONS.URI_PATH)
    .map(({ number, value }) => `${optionName(number)}=${toHex(value)}`);
  const cut = payload.length > MOST_BYTES ? "..." : "";
  const body = payload.length > 0 && `[${payload.length} bytes ${toHex(payload.subarray(0, MOST_BYTES))}${cut}]`;
  const name = code === 0 ? "Empty" : (methodOf(code) ?? formatCode(code));
  return [TYPES[type], name, path.length > 0 && `/${path.join("/")}`, ...others, body].filter(Boolean).join(" ");
}
