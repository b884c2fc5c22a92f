/** What the URL of a firmware means: bytes that are stored here, or something outside. */
import { isFailure, MooringError } from "../base/errors.ts";
import type { Binaries, StoredBinary } from "../platform/platform.ts";

export type FirmwareSource =
  | { readonly kind: "stored"; readonly binary: StoredBinary }
  /** As it was given; `scheme` in lower case, without the colon. */
  | { readonly kind: "external"; readonly url: string; readonly scheme: string };

/** Under whatever name the host is known: `http://any.example/inventory/binaries/55`, or the path alone. */
const BINARY_PATH = /^\/inventory\/binaries\/(\d{1,30})$/;
/** Package URI (LwM2M object 5, resource 1) has at most 255 bytes. */
const LONGEST_URL = 255;

const invalid = (rule: string, url: unknown): MooringError =>
  new MooringError("VALIDATION", `c8y_Firmware.url ${rule}`, {
    field: "c8y_Firmware.url",
    rule,
    url: String(url).slice(0, LONGEST_URL),
  });

function parse(url: string): URL {
  try {
    return new URL(url, "path://host");
  } catch {
    throw invalid("must be a URL", url);
  }
}

/**
 * @param url of `c8y_Firmware`, unchecked
 * @throws MooringError VALIDATION naming `c8y_Firmware.url` and the rule: none, a scheme that no device fetches with, a binary
 *         that is not there
 */
export async function firmwareSource(
  binaries: Pick<Binaries, "open">,
  tenant: string,
  url: unknown,
): Promise<FirmwareSource> {
  if (typeof url !== "string" || url === "") throw invalid("is missing", "");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0020\u007f]/.test(url)) throw invalid("must not hold blanks and control characters", url);
  const { protocol, pathname, host } = parse(url);
  const id = BINARY_PATH.exec(pathname)?.[1];
  if (id !== undefined && /^(?:path|https?):$/.test(protocol)) {
    try {
      return { kind: "stored", binary: await binaries.open(tenant, id) };
    } catch (error) {
      if (isFailure(error, "NOT_FOUND")) throw invalid(`names no binary: ${id}`, url);
      throw error;
    }
  }
  if (!/^(?:coaps?(?:\+tcp)?|https?):$/.test(protocol) || host === "") {
    throw invalid("must be the URL of a binary, or begin with coap://, coaps://, http:// or https://", url);
  }
  if (Buffer.byteLength(url) > LONGEST_URL) throw invalid(`must have at most ${LONGEST_URL} bytes`, url);
  return { kind: "external", url, scheme: protocol.slice(0, -1) };
}
