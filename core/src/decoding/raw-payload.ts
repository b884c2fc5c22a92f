/**
 * A value for a decoder, kept before the device is answered (collection `rawPayloads`), and the platform's event that shows
 * it while it is not decoded (agent specification 9.2). Everything here only builds writes.
 */
import { sameJson } from "../base/same-json.ts";
import type { Effect } from "../contract/action.ts";
import { formatPath } from "../lwm2m/path.ts";
import type { ResourceType } from "../lwm2m/resource-value.ts";
import { eventChangeOp, eventDeleteOp, eventOp } from "../platform/event.ts";
import { deterministicId } from "../platform/ids.ts";
import type { JsonObject, Update } from "../store/collection.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../store/collections/decoding.ts";
import { deleteOp, updateOp, type WriteOp } from "../store/store.ts";
import { type DecoderRequest, decoderBytes, decoderRequest } from "./decoder-wire.ts";

const DECODER_EVENT_TYPE = "c8y_decoder_event";

/** What a payload became when it was decoded. */
export interface MadeDocuments {
  readonly measurements: number;
  readonly events: number;
  /** Alarms that it raised and cleared: `ACTIVE type`, `CLEARED type`; each is done once. */
  readonly alarms: readonly string[];
}

export interface RawPayload {
  /** What a decoder makes of it has ids that follow from this one. */
  readonly id: string;
  readonly tenant: string;
  /** Managed object id. */
  readonly deviceId: string;
  readonly endpoint: string;
  /** `/33456/0/123`, with the instance for a resource instance. */
  readonly path: string;
  readonly resourceType: ResourceType;
  /** Receipt of the message. */
  readonly receivedAtMs: number;
  /** Time of the value: that of receipt, unless the payload carried another. */
  readonly atMs: number;
  /** As `decoderBytes` writes the value. */
  readonly bytes: Uint8Array;
  readonly decoder: string;
  /** Calls of the decoder that failed, as the store has them. */
  readonly attempts: number;
  /** It is decoded; absent where it is not, or where an earlier version of the host did it. */
  readonly made?: MadeDocuments;
  /** It was ERROR before: it is decoded again, and later than others that came after it. */
  readonly again?: true;
}

export interface PayloadSource {
  readonly tenant: string;
  readonly deviceId: string;
  readonly endpoint: string;
  readonly receivedAtMs: number;
}

/** @throws MooringError VALUE_TYPE for a value that is not of its type */
export function newRawPayload(
  { tenant, deviceId, endpoint, receivedAtMs }: PayloadSource,
  { decoder, value, atMs }: Extract<Effect, { kind: "decode" }>,
  id: string,
): RawPayload {
  const { type: resourceType, path } = value;
  const bytes = decoderBytes(resourceType, value.value);
  const where = { tenant, deviceId, endpoint, path: formatPath(path) };
  return { id, ...where, resourceType, receivedAtMs, atMs, bytes, decoder, attempts: 0 };
}

export function fromRawDocument(document: RawPayloadDocument): RawPayload {
  const {
    _id: id,
    tenant,
    managedObject: deviceId,
    endpoint,
    path,
    time,
    bytes,
    decoder,
    attempts,
    details,
  } = document;
  const resourceType = details["resourceType"] as ResourceType;
  const atMs = details["atMs"] as number;
  const made = details["made"] as MadeDocuments | undefined;
  return {
    id,
    tenant,
    deviceId,
    endpoint,
    path,
    resourceType,
    receivedAtMs: time,
    atMs,
    bytes,
    decoder,
    attempts,
    ...(made && { made }),
    ...(details["again"] === true && { again: true }),
  };
}

const eventIdOf = ({ id }: RawPayload): string => deterministicId([DECODER_EVENT_TYPE, id]);

/**
 * Keeps a payload, PENDING, and shows it. A message that comes again makes it PENDING again, as the event may have come back: where
 * it was decoded, what it became stays and the event goes (`settledOps`), else it is decoded.
 * @param displayName of the decoder; its key where it is not known
 */
export function keepOps(raw: RawPayload, displayName: string, nowMs: number): WriteOp[] {
  const { id, tenant, deviceId, endpoint, path, resourceType, receivedAtMs, atMs, bytes, decoder } = raw;
  const text = `External decoder data received from device. Decoder: ${decoder} (${displayName})`;
  const fragments = { decoderData: decoderRequest(raw, "PENDING") };
  const details = { resourceType, atMs };
  const first = {
    tenant,
    managedObject: deviceId,
    endpoint,
    path,
    time: receivedAtMs,
    bytes,
    decoder,
    details,
  };
  return [
    updateOp<RawPayloadDocument>(
      RAW_PAYLOADS,
      { _id: id },
      { $set: { status: "PENDING", attempts: 0 }, $unset: { notBefore: true }, $setOnInsert: first },
      { upsert: true },
    ),
    eventOp(
      tenant,
      eventIdOf(raw),
      { sourceId: deviceId, type: DECODER_EVENT_TYPE, text, timeMs: atMs, fragments },
      nowMs,
    ),
  ];
}

const stateOps = (
  raw: RawPayload,
  status: DecoderRequest["status"],
  change: Update<RawPayloadDocument>,
  told: Readonly<Record<string, string>>,
  nowMs: number,
): WriteOp[] => [
  updateOp<RawPayloadDocument>(RAW_PAYLOADS, { _id: raw.id }, { ...change, $set: { ...change.$set, status } }),
  eventChangeOp(raw.tenant, eventIdOf(raw), { decoderData: { ...decoderRequest(raw, status), ...told } }, nowMs),
];

/** Its decoder is asked now, which may take a while (agent specification 9.2 item 3), or could not be after all. */
export const statusOps = (raw: RawPayload, status: "IN_PROGRESS" | "PENDING", nowMs: number): WriteOp[] =>
  stateOps(raw, status, {}, {}, nowMs);

/** A call failed that may succeed later: the payload waits, over a restart too. */
export const retryOps = (
  raw: RawPayload,
  { reason, message }: Pick<DecodeError, "reason" | "message">,
  notBefore: number,
  nowMs: number,
): WriteOp[] => {
  const $set = { notBefore, "details.reason": reason, "details.message": message };
  return stateOps(raw, "PENDING", { $set, $inc: { attempts: 1 } }, { reason, message }, nowMs);
};

/** Decoded: the event goes, the payload stays so that it can be decoded again. */
const decodedOps = (
  raw: RawPayload,
  decoderVersion: string,
  made: MadeDocuments,
  more: Pick<Update<RawPayloadDocument>, "$inc"> = {},
): WriteOp[] => [
  updateOp<RawPayloadDocument>(
    RAW_PAYLOADS,
    { _id: raw.id },
    {
      $set: { status: "DONE", decoderVersion, "details.made": made as unknown as JsonObject },
      $unset: { "details.reason": true, "details.message": true, "details.again": true },
      ...more,
    },
  ),
  eventDeleteOp(raw.tenant, eventIdOf(raw)),
];

/** Decoded out of the queue: an attempt more. */
export const doneOps = (raw: RawPayload, decoderVersion: string, made: MadeDocuments): WriteOp[] =>
  decodedOps(raw, decoderVersion, made, { $inc: { attempts: 1 } });

/** It is decoded already, and shall stand as it does. */
export const settledOps = (raw: RawPayload): WriteOp[] => [
  updateOp<RawPayloadDocument>(RAW_PAYLOADS, { _id: raw.id }, { $set: { status: "DONE" } }),
  eventDeleteOp(raw.tenant, eventIdOf(raw)),
];

/** Decoded again by some version: nothing where that is what it says. An alarm that it raised or cleared once stays noted. */
export function supersededOps(document: RawPayloadDocument, decoderVersion: string, made: MadeDocuments): WriteOp[] {
  const raw = fromRawDocument(document);
  const alarms = [...new Set([...(raw.made?.alarms ?? []), ...made.alarms])].sort();
  const is = { ...made, alarms };
  const { status, decoderVersion: by } = document;
  if (status === "DONE" && by === decoderVersion && sameJson(raw.made, is)) return [];
  return decodedOps(raw, decoderVersion, is);
}

/** Back into the queue, with all attempts before it; nothing where it is not ERROR any more. */
export const replayOps = (raw: RawPayload, nowMs: number): WriteOp[] => [
  updateOp<RawPayloadDocument>(
    RAW_PAYLOADS,
    { _id: raw.id, status: "ERROR" },
    {
      $set: { status: "PENDING", attempts: 0, "details.again": true },
      $unset: { notBefore: true, "details.reason": true, "details.message": true },
    },
  ),
  eventChangeOp(raw.tenant, eventIdOf(raw), { decoderData: decoderRequest(raw, "PENDING") }, nowMs),
];

export interface DecodeError {
  /** `undecodable`: the decoder worked and found nothing that it can read. `refused`: what it made could not be stored. */
  readonly reason: string;
  readonly message: string;
  readonly decoderVersion?: string;
}

/** Given up: the event stays and says why. */
export const errorOps = (raw: RawPayload, error: DecodeError, nowMs: number): WriteOp[] => {
  const { reason, message, decoderVersion } = error;
  const version = decoderVersion === undefined ? {} : { decoderVersion };
  const $set = { ...version, "details.reason": reason, "details.message": message, "details.again": true };
  return stateOps(raw, "ERROR", { $set, $inc: { attempts: 1 } }, { reason, message }, nowMs);
};

/** Kept long enough: the event that shows it, where it was never decoded, goes with it. */
export const forgetOps = (raw: RawPayload): WriteOp[] => [
  deleteOp(RAW_PAYLOADS, { _id: raw.id }),
  eventDeleteOp(raw.tenant, eventIdOf(raw)),
];
