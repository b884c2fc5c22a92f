/**
 * Option numbers as a table (RFC 7252 section 5.10, RFC 7641 section 2, RFC 7959 sections 2.1 and 4, RFC 7967, RFC 8768,
 * RFC 9175, RFC 8613, RFC 9177). Whether an option is critical is in its number; unsafe to forward and outside the cache key are too, but only a proxy asks.
 */

export const OPTIONS = {
  IF_MATCH: 1,
  URI_HOST: 3,
  ETAG: 4,
  IF_NONE_MATCH: 5,
  OBSERVE: 6,
  URI_PORT: 7,
  LOCATION_PATH: 8,
  OSCORE: 9,
  URI_PATH: 11,
  CONTENT_FORMAT: 12,
  MAX_AGE: 14,
  URI_QUERY: 15,
  HOP_LIMIT: 16,
  ACCEPT: 17,
  Q_BLOCK1: 19,
  LOCATION_QUERY: 20,
  BLOCK2: 23,
  BLOCK1: 27,
  SIZE2: 28,
  Q_BLOCK2: 31,
  PROXY_URI: 35,
  PROXY_SCHEME: 39,
  SIZE1: 60,
  ECHO: 252,
  NO_RESPONSE: 258,
  REQUEST_TAG: 292,
} as const;

export interface OptionDefinition {
  readonly number: number;
  readonly name: string;
  readonly format: "empty" | "opaque" | "uint" | "string";
  /** Length of one value in bytes; another length makes the option one that is not recognised (RFC 7252 section 5.4.3). */
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly repeatable: boolean;
}

type Row = readonly [number, string, OptionDefinition["format"], number, number, boolean];

const ROWS: readonly Row[] = [
  [OPTIONS.IF_MATCH, "If-Match", "opaque", 0, 8, true],
  [OPTIONS.URI_HOST, "Uri-Host", "string", 1, 255, false],
  [OPTIONS.ETAG, "ETag", "opaque", 1, 8, true],
  [OPTIONS.IF_NONE_MATCH, "If-None-Match", "empty", 0, 0, false],
  [OPTIONS.OBSERVE, "Observe", "uint", 0, 3, false],
  [OPTIONS.URI_PORT, "Uri-Port", "uint", 0, 2, false],
  [OPTIONS.LOCATION_PATH, "Location-Path", "string", 0, 255, true],
  [OPTIONS.OSCORE, "OSCORE", "opaque", 0, 255, false],
  [OPTIONS.URI_PATH, "Uri-Path", "string", 0, 255, true],
  [OPTIONS.CONTENT_FORMAT, "Content-Format", "uint", 0, 2, false],
  [OPTIONS.MAX_AGE, "Max-Age", "uint", 0, 4, false],
  [OPTIONS.URI_QUERY, "Uri-Query", "string", 0, 255, true],
  [OPTIONS.HOP_LIMIT, "Hop-Limit", "uint", 1, 1, false],
  [OPTIONS.ACCEPT, "Accept", "uint", 0, 2, false],
  [OPTIONS.Q_BLOCK1, "Q-Block1", "uint", 0, 3, false],
  [OPTIONS.LOCATION_QUERY, "Location-Query", "string", 0, 255, true],
  [OPTIONS.BLOCK2, "Block2", "uint", 0, 3, false],
  [OPTIONS.BLOCK1, "Block1", "uint", 0, 3, false],
  [OPTIONS.SIZE2, "Size2", "uint", 0, 4, false],
  [OPTIONS.Q_BLOCK2, "Q-Block2", "uint", 0, 3, true],
  [OPTIONS.PROXY_URI, "Proxy-Uri", "string", 1, 1034, false],
  [OPTIONS.PROXY_SCHEME, "Proxy-Scheme", "string", 1, 255, false],
  [OPTIONS.SIZE1, "Size1", "uint", 0, 4, false],
  [OPTIONS.ECHO, "Echo", "opaque", 1, 40, false],
  [OPTIONS.NO_RESPONSE, "No-Response", "uint", 0, 1, false],
  [OPTIONS.REQUEST_TAG, "Request-Tag", "opaque", 0, 8, true],
];

export const OPTION_DEFINITIONS: readonly OptionDefinition[] = ROWS.map(
  ([number, name, format, minBytes, maxBytes, repeatable]) => ({
    number,
    name,
    format,
    minBytes,
    maxBytes,
    repeatable,
  }),
);

const BY_NUMBER: readonly (OptionDefinition | undefined)[] = (() => {
  const table: (OptionDefinition | undefined)[] = new Array(OPTIONS.REQUEST_TAG + 1).fill(undefined);
  for (const definition of OPTION_DEFINITIONS) table[definition.number] = definition;
  return table;
})();

/** The row of an option number, or undefined where it is in no registry that is known here. */
export const definitionOf = (number: number): OptionDefinition | undefined => BY_NUMBER[number];

/** A recipient that does not know it must not go on (RFC 7252 section 5.4.1). */
export const isCritical = (number: number): boolean => (number & 1) !== 0;

/** `Uri-Path`, or `option 2048`. */
export const optionName = (number: number): string => definitionOf(number)?.name ?? `option ${number}`;

/** Content-Format 65535 is reserved (RFC 7252 section 12.3); devices send it for "none". */
export const CONTENT_FORMAT_NONE = 65_535;
