/** Extensions of ClientHello and ServerHello (RFC 5246 section 7.4.1.4): one table, one row each. Pure. */
import { decodeUtf8, EMPTY_BYTES, encodeUtf8 } from "../../base/bytes.ts";
import { illegal, malformed } from "./handshake-error.ts";
import { createReader, joinBytes, uint8, uint16, vector8, vector16, type WireReader } from "./wire.ts";

/** NamedGroup (RFC 8422 section 5.1.1). */
export const GROUP = { secp256r1: 23, secp384r1: 24, x25519: 29 } as const;

/** SignatureAndHashAlgorithm (RFC 5246 section 7.4.1.4.1): hash, signature. */
export const SIGNATURE_ALGORITHM = { ecdsaSecp256r1Sha256: 0x0403, ecdsaSecp384r1Sha384: 0x0503 } as const;

/** ECPointFormat uncompressed (RFC 8422 section 5.1.2). */
export const UNCOMPRESSED = 0;

/** Smallest record_size_limit (RFC 8449 section 4). */
const MIN_RECORD_SIZE_LIMIT = 64;
/** MaxFragmentLength (RFC 6066 section 4): code to bytes. */
export const MAX_FRAGMENT_LENGTH_BYTES: Readonly<Record<number, number>> = { 1: 512, 2: 1024, 3: 2048, 4: 4096 };

/** What a client says; absent: the extension is not there. Unknown ones are left out. */
export interface ClientExtensions {
  /** First HostName (RFC 6066 section 3). */
  readonly serverName?: string;
  /** Code, a key of {@link MAX_FRAGMENT_LENGTH_BYTES}. */
  readonly maxFragmentLength?: number;
  readonly supportedGroups?: readonly number[];
  readonly pointFormats?: readonly number[];
  readonly signatureAlgorithms?: readonly number[];
  /** In order of preference (RFC 7250 section 3). */
  readonly clientCertificateTypes?: readonly number[];
  readonly serverCertificateTypes?: readonly number[];
  readonly encryptThenMac?: true;
  readonly extendedMasterSecret?: true;
  /** Plaintext bytes of one record that it takes, 64 or more (RFC 8449 section 4). */
  readonly recordSizeLimit?: number;
  /** That it wants in records to it, 0..255 bytes (RFC 9146 section 3). */
  readonly connectionId?: Uint8Array;
  /** renegotiated_connection, empty in a first handshake (RFC 5746 section 3.2). */
  readonly renegotiationInfo?: Uint8Array;
}

/** What a server answers; only what the client said may be answered. */
export interface ServerExtensions {
  /** The name was used; the answer is empty. */
  readonly serverName?: true;
  readonly maxFragmentLength?: number;
  readonly pointFormats?: readonly number[];
  readonly clientCertificateType?: number;
  readonly serverCertificateType?: number;
  readonly encryptThenMac?: true;
  readonly extendedMasterSecret?: true;
  readonly recordSizeLimit?: number;
  readonly connectionId?: Uint8Array;
  readonly renegotiationInfo?: Uint8Array;
}

interface Codec<T> {
  read(data: WireReader): T;
  write(value: T): Uint8Array;
}

type Codecs<E> = { readonly [K in keyof E]-?: Codec<Exclude<E[K], undefined>> & { readonly type: number } };

const empty: Codec<true> = { read: () => true, write: () => EMPTY_BYTES };
const oneByte: Codec<number> = { read: data => data.uint8("value"), write: uint8 };
const bytes8: Codec<Uint8Array> = { read: data => data.vector(1, "value"), write: value => vector8(value) };
const list8: Codec<readonly number[]> = {
  read: data => data.uint8s("list"),
  write: values => vector8(Uint8Array.from(values)),
};
const list16: Codec<readonly number[]> = {
  read: data => data.uint16s("list"),
  write: values => vector16(...values.map(uint16)),
};

const HOST_NAME = 0;

/** ServerNameList (RFC 6066 section 3): of each type one, every type with a 16-bit length. */
const serverNames: Codec<string> = {
  read(data) {
    const list = createReader(data.vector(2, "server_name_list", 1), "extension server_name");
    const seen = new Map<number, Uint8Array>();
    while (list.left > 0) {
      const type = list.uint8("name_type");
      if (seen.has(type)) throw illegal("extension server_name", "name_type", `${type} comes twice`);
      seen.set(type, list.vector(2, "name", 1));
    }
    const host = decodeUtf8(seen.get(HOST_NAME) ?? EMPTY_BYTES);
    if (host === undefined) throw malformed("extension server_name", "name", "is no text");
    return host;
  },
  write: name => vector16(uint8(HOST_NAME), vector16(encodeUtf8(name))),
};

const fragmentLength: Codec<number> = {
  read(data) {
    const code = data.uint8("code");
    if (MAX_FRAGMENT_LENGTH_BYTES[code] === undefined)
      throw illegal("extension max_fragment_length", "code", `${code} is not 1 to 4`);
    return code;
  },
  write: uint8,
};

const recordSizeLimit: Codec<number> = {
  read(data) {
    const limit = data.uint16("limit");
    if (limit < MIN_RECORD_SIZE_LIMIT)
      throw illegal("extension record_size_limit", "limit", `${limit} is less than ${MIN_RECORD_SIZE_LIMIT}`);
    return limit;
  },
  write: uint16,
};

const CLIENT: Codecs<ClientExtensions> = {
  serverName: { type: 0, ...serverNames },
  maxFragmentLength: { type: 1, ...fragmentLength },
  supportedGroups: { type: 10, ...list16 },
  pointFormats: { type: 11, ...list8 },
  signatureAlgorithms: { type: 13, ...list16 },
  clientCertificateTypes: { type: 19, ...list8 },
  serverCertificateTypes: { type: 20, ...list8 },
  encryptThenMac: { type: 22, ...empty },
  extendedMasterSecret: { type: 23, ...empty },
  recordSizeLimit: { type: 28, ...recordSizeLimit },
  // 53 was the number of a draft with another MAC; it is not read (RFC 9146 section 10.1).
  connectionId: { type: 54, ...bytes8 },
  renegotiationInfo: { type: 0xff01, ...bytes8 },
};

const SERVER: Codecs<ServerExtensions> = {
  serverName: { type: 0, ...empty },
  maxFragmentLength: { type: 1, ...fragmentLength },
  pointFormats: { type: 11, ...list8 },
  clientCertificateType: { type: 19, ...oneByte },
  serverCertificateType: { type: 20, ...oneByte },
  encryptThenMac: { type: 22, ...empty },
  extendedMasterSecret: { type: 23, ...empty },
  recordSizeLimit: { type: 28, ...recordSizeLimit },
  connectionId: { type: 54, ...bytes8 },
  renegotiationInfo: { type: 0xff01, ...bytes8 },
};

type AnyCodec = Codec<unknown> & { readonly type: number };
type Row = readonly [name: string, codec: AnyCodec];
const rowsOf = (codecs: object): readonly Row[] => Object.entries(codecs as Record<string, AnyCodec>);
const byType = (rows: readonly Row[]): ReadonlyMap<number, Row> => new Map(rows.map(row => [row[1].type, row]));

const CLIENT_ROWS = rowsOf(CLIENT);
const SERVER_ROWS = rowsOf(SERVER);
const CLIENT_BY_TYPE = byType(CLIENT_ROWS);
const SERVER_BY_TYPE = byType(SERVER_ROWS);

function readExtensions(bytes: Uint8Array, rows: ReadonlyMap<number, Row>): Record<string, unknown> {
  const reader = createReader(bytes, "extensions");
  const seen = new Set<number>();
  const extensions: Record<string, unknown> = {};
  while (reader.left > 0) {
    const type = reader.uint16("extension_type");
    const data = reader.vector(2, "extension_data");
    if (seen.has(type)) throw malformed("extensions", "extension_type", `${type} comes twice`);
    seen.add(type);
    const row = rows.get(type);
    if (!row) continue;
    const inside = createReader(data, `extension ${type}`);
    extensions[row[0]] = row[1].read(inside);
    inside.end();
  }
  return extensions;
}

function writeExtensions(extensions: object, rows: readonly Row[]): Uint8Array {
  const written: Uint8Array[] = [];
  for (const [name, { type, write }] of rows) {
    const value = (extensions as Record<string, unknown>)[name];
    if (value !== undefined) written.push(uint16(type), vector16(write(value)));
  }
  return joinBytes(written);
}

/**
 * @param bytes the list, without its length
 * @throws MooringError HANDSHAKE_INVALID
 */
export const readClientExtensions = (bytes: Uint8Array): ClientExtensions => readExtensions(bytes, CLIENT_BY_TYPE);
export const writeClientExtensions = (extensions: ClientExtensions): Uint8Array =>
  writeExtensions(extensions, CLIENT_ROWS);

/**
 * @param bytes the list, without its length
 * @throws MooringError HANDSHAKE_INVALID
 */
export const readServerExtensions = (bytes: Uint8Array): ServerExtensions => readExtensions(bytes, SERVER_BY_TYPE);
export const writeServerExtensions = (extensions: ServerExtensions): Uint8Array =>
  writeExtensions(extensions, SERVER_ROWS);
