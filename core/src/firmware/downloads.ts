/**
 * Firmware that devices fetch (agent specification 14.3): a random token for one device and one operation, good until the operation
 * ends. Tokens are stored, so that a restarted host and every other node serve them.
 */
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Random, urlSafeId } from "../base/random.ts";
import { createTokenBuckets } from "../base/token-bucket.ts";
import { createListeners } from "../platform/listeners.ts";
import type { Platform, StoredBinary } from "../platform/platform.ts";
import { FIRMWARE_DOWNLOADS, type FirmwareDownloadDocument } from "../store/collections/firmware.ts";
import type { Store } from "../store/store.ts";

export const FIRMWARE_PROTOCOLS = ["coap", "coaps", "http", "https"] as const;
export type FirmwareProtocol = (typeof FIRMWARE_PROTOCOLS)[number];

export interface FirmwareOffer {
  readonly tenant: string;
  readonly deviceId: string;
  readonly operationId: string;
  readonly binary: StoredBinary;
}

export interface FirmwareDownload {
  readonly token: string;
  /** Bytes of the whole. */
  readonly length: number;
  /** `coap://198.51.100.7:5783/fw/<token>` */
  uri(protocol: FirmwareProtocol): string;
}

export interface FirmwareProgress {
  readonly tenant: string;
  readonly deviceId: string;
  readonly operationId: string;
  readonly protocol: FirmwareProtocol;
  /** End of the furthest byte that was handed out. */
  readonly reachedBytes: number;
  /** Bytes handed out since this process knows the token, repetitions included. */
  readonly sentBytes: number;
  readonly length: number;
}

/** What a server hands out. */
export interface ServedFirmware extends Omit<FirmwareOffer, "binary"> {
  readonly length: number;
  /** Lower-case hexadecimal, of the whole. */
  readonly sha256: string;
  /**
   * Bytes [offset, offset + length), fewer only at the end; counted as handed out.
   * @throws MooringError NOT_FOUND once the operation has ended or the binary is replaced or deleted
   */
  read(protocol: FirmwareProtocol, offset: number, length: number): Promise<Uint8Array>;
}

export interface FirmwareDownloads {
  /** The same token as often as the same operation asks for the same bytes. */
  offer(offer: FirmwareOffer): Promise<FirmwareDownload>;
  /** The operation has ended: nothing is handed out for it any more. Harmless where there is nothing. */
  withdraw(operationId: string): Promise<void>;
  /**
   * What the token is for; undefined: unknown, or its operation has ended.
   * @throws MooringError OVERLOADED when too many unknown tokens are asked for
   */
  find(token: string): Promise<ServedFirmware | undefined>;
  /** Told of each piece that is handed out, also of small ones. Must not throw. */
  onProgress(listener: (progress: FirmwareProgress) => void): Disposable;
  /** Removes tokens whose operations have ended while nobody was there to withdraw them. */
  sweep(): Promise<void>;
}

export interface FirmwareDownloadsParts {
  readonly store: Store;
  readonly platform: Pick<Platform, "operations" | "binaries">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where devices reach the host: a name or an address. */
  readonly address: string;
  /** The port of each protocol, as devices are to use it. */
  readonly ports: Readonly<Record<FirmwareProtocol, number>>;
}

/** Of 6 random bits each. */
const TOKEN_LENGTH = 22;
const TOKEN = /^[A-Za-z0-9_-]{22}$/;
/** For so long the end of an operation elsewhere, or by REST, may go unnoticed. */
const CHECK_AGAIN_MS = 10_000;
/** How often the progress of one download is stored. */
const SAVE_EVERY_MS = 5_000;
const MOST_REMEMBERED = 10_000;
/** Look-ups of tokens that this process does not know: guesses must not keep the store busy. */
const UNKNOWN_TOKENS = { perSecond: 100, burst: 1000 } as const;
const OPEN: readonly string[] = ["PENDING", "EXECUTING"];

/** A download as this process knows it. */
interface Entry {
  readonly document: FirmwareDownloadDocument;
  readonly binary: StoredBinary;
  readonly served: ServedFirmware;
  checkedMs: number;
  savedMs: number;
  reached: number;
  sent: number;
  withdrawn: boolean;
}

const gone = (): MooringError => new MooringError("NOT_FOUND", "the firmware is not offered any more");

export function createFirmwareDownloads(parts: FirmwareDownloadsParts): FirmwareDownloads {
  const { store, platform, clock, random, log, address, ports } = parts;
  const downloads = store.collection(FIRMWARE_DOWNLOADS);
  const progress = createListeners<[progress: FirmwareProgress]>();
  const guesses = createTokenBuckets(clock, UNKNOWN_TOKENS);
  /** By token, the longest unused first. */
  const entries = new Map<string, Entry>();
  const host = address.includes(":") ? `[${address}]` : address;

  const toDownload = (token: string, length: number): FirmwareDownload => ({
    token,
    length,
    uri: protocol => `${protocol}://${host}:${ports[protocol]}/fw/${token}`,
  });

  const isOpen = async ({ tenant, operation, deviceId }: FirmwareDownloadDocument): Promise<boolean> => {
    try {
      const { status, deviceId: of } = await platform.operations.get(tenant, operation);
      return OPEN.includes(status) && of === deviceId;
    } catch (error) {
      if (isFailure(error, "NOT_FOUND")) return false;
      throw error;
    }
  };

  function save(entry: Entry): void {
    entry.savedMs = clock.monotonic();
    const { _id: token } = entry.document;
    downloads.updateOne({ _id: token }, { $set: { reached: entry.reached } }).catch((error: unknown) => {
      log.warn("firmware.progress-not-stored", { operationId: entry.document.operation, reason: messageOf(error) });
    });
  }

  function handedOut(entry: Entry, protocol: FirmwareProtocol, end: number, count: number): void {
    const { tenant, deviceId, operation: operationId } = entry.document;
    const { length } = entry.binary;
    entry.sent += count;
    if (end > entry.reached) {
      entry.reached = end;
      if (end === length || clock.monotonic() - entry.savedMs >= SAVE_EVERY_MS) save(entry);
    }
    const told = {
      tenant,
      deviceId,
      operationId,
      protocol,
      reachedBytes: entry.reached,
      sentBytes: entry.sent,
      length,
    };
    progress.tell(error => log.error("firmware.listenerFailed", { operationId, error: messageOf(error) }), told);
  }

  function newEntry(document: FirmwareDownloadDocument, binary: StoredBinary): Entry {
    const { tenant, deviceId, operation: operationId } = document;
    const { length, sha256 } = binary;
    const entry: Entry = {
      document,
      binary,
      served: {
        tenant,
        deviceId,
        operationId,
        length,
        sha256,
        async read(protocol, offset, count) {
          if (entry.withdrawn) throw gone();
          const bytes = await binary.read(offset, count);
          handedOut(entry, protocol, offset + bytes.length, bytes.length);
          return bytes;
        },
      },
      checkedMs: clock.monotonic(),
      savedMs: clock.monotonic(),
      reached: document.reached,
      sent: 0,
      withdrawn: false,
    };
    return entry;
  }

  function remember(token: string, entry: Entry): void {
    entries.delete(token);
    entries.set(token, entry);
    if (entries.size > MOST_REMEMBERED) entries.delete(entries.keys().next().value!);
  }

  function forget(token: string): void {
    const entry = entries.get(token);
    if (entry) entry.withdrawn = true;
    entries.delete(token);
  }

  /** The bytes that a token is for, if they still are those of the binary. */
  async function binaryOf({ tenant, binary, content }: FirmwareDownloadDocument): Promise<StoredBinary | undefined> {
    try {
      const found = await platform.binaries.open(tenant, binary);
      return found.content === content ? found : undefined;
    } catch (error) {
      if (isFailure(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async function load(token: string): Promise<Entry | undefined> {
    if (guesses.take("all") > 0) throw new MooringError("OVERLOADED", "too many unknown tokens are asked for");
    const document = await downloads.findOne({ _id: token });
    if (!document) return undefined;
    guesses.giveBack("all");
    const binary = (await isOpen(document)) ? await binaryOf(document) : undefined;
    if (!binary) return undefined;
    // Asked for twice at once, one entry counts.
    const entry = entries.get(token) ?? newEntry(document, binary);
    remember(token, entry);
    return entry;
  }

  async function recheck(token: string, entry: Entry): Promise<Entry | undefined> {
    if (clock.monotonic() - entry.checkedMs < CHECK_AGAIN_MS) return entry;
    if (!(await isOpen(entry.document))) {
      forget(token);
      return undefined;
    }
    entry.checkedMs = clock.monotonic();
    return entry;
  }

  async function remove({ _id, operation }: FirmwareDownloadDocument): Promise<void> {
    forget(_id);
    await downloads.deleteMany({ _id });
    log.debug("firmware.withdrawn", { operationId: operation });
  }

  return {
    async offer({ tenant, deviceId, operationId, binary: { id, content, length } }) {
      const known = await downloads.findOne({ operation: operationId });
      if (known?.content === content && known.deviceId === deviceId) return toDownload(known._id, length);
      if (known) await remove(known);
      const token = urlSafeId(random, TOKEN_LENGTH);
      const own = { tenant, deviceId, operation: operationId, binary: id, content, reached: 0 };
      // Where somebody else was quicker, theirs counts.
      await downloads.insertMany([{ _id: token, ...own }]);
      const stored = await downloads.findOne({ operation: operationId });
      if (!stored) throw gone();
      return toDownload(stored._id, length);
    },

    async withdraw(operationId) {
      const known = await downloads.findOne({ operation: operationId });
      if (known) await remove(known);
    },

    async find(token) {
      if (!TOKEN.test(token)) return undefined;
      const known = entries.get(token);
      return (known ? await recheck(token, known) : await load(token))?.served;
    },

    onProgress: listener => progress.add(listener),

    async sweep() {
      for await (const document of downloads.stream({})) {
        if (!(await isOpen(document))) await remove(document);
      }
    },
  };
}
