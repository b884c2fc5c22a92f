/** Firmware on its way to devices, and campaigns. */
import type { CollectionSpec, Document, JsonObject } from "../collection.ts";
import { by, uniqueBy } from "./keys.ts";

/** Firmware that one device may fetch for one operation. `_id`: the token, a secret between host and device. */
export interface FirmwareDownloadDocument extends Document {
  readonly tenant: string;
  readonly deviceId: string;
  readonly operation: string;
  /** Managed object of the binary, and which bytes of it. */
  readonly binary: string;
  readonly content: string;
  /** End of the furthest byte that was handed out; behind by some seconds. */
  readonly reached: number;
}
export const FIRMWARE_DOWNLOADS: CollectionSpec<FirmwareDownloadDocument> = {
  name: "firmwareDownloads",
  fields: { tenant: "string", deviceId: "string", operation: "string" },
  required: ["tenant", "deviceId", "operation"],
  coarse: ["tenant"],
  indexes: [uniqueBy("operation")],
  durability: "full",
};

/** How far a package has come that goes out block by block. `_id`: the operation. Written before each block; may be some blocks behind after power loss. */
export interface FirmwarePositionDocument extends Document {
  readonly deviceId: string;
  /** Which bytes. */
  readonly content: string;
  /** Position of the transfer, as `coap/endpoint.ts` has it. */
  readonly details: JsonObject;
}
export const FIRMWARE_POSITIONS: CollectionSpec<FirmwarePositionDocument> = {
  name: "firmwarePositions",
  fields: { deviceId: "string", content: "string" },
  required: ["deviceId", "content"],
  indexes: [by("deviceId", "_id")],
  durability: "normal",
};

/** A firmware campaign. `PREPARING`: its devices are being written. */
export interface CampaignDocument extends Document {
  readonly tenant: string;
  readonly state: "PREPARING" | "CREATED" | "RUNNING" | "PAUSED" | "HALTED" | "COMPLETED" | "CANCELLED";
  /** The node that runs it. */
  readonly node: string;
  readonly creationTime: number;
  readonly details: JsonObject;
}
export const CAMPAIGNS: CollectionSpec<CampaignDocument> = {
  name: "campaigns",
  fields: { tenant: "string", state: "string", node: "string", creationTime: "time" },
  required: ["tenant", "state", "node", "creationTime"],
  coarse: ["tenant", "state", "node"],
  indexes: [by("tenant", "_id"), by("node", "state", "_id")],
  durability: "full",
};

/** A device of a campaign. `_id`: `keyOf(campaign, device)`. */
export interface CampaignDeviceDocument extends Document {
  readonly tenant: string;
  readonly campaign: string;
  readonly device: string;
  /** 0 the first. */
  readonly wave: number;
  /** `SENDING`: `operation` may not be made yet; under that id it is, once. */
  readonly state: "WAITING" | "SENDING" | "SENT" | "RETRYING" | "SUCCESSFUL" | "FAILED";
  readonly operation?: string;
  readonly attempts: number;
  /** When it is tried again. */
  readonly dueAt?: number;
  readonly reason?: string;
}
export const CAMPAIGN_DEVICES: CollectionSpec<CampaignDeviceDocument> = {
  name: "campaignDevices",
  fields: {
    tenant: "string",
    campaign: "string",
    device: "string",
    wave: "int",
    state: "string",
    operation: "string",
    attempts: "int",
    dueAt: "time",
  },
  required: ["tenant", "campaign", "device", "wave", "state", "attempts"],
  coarse: ["tenant", "state", "wave"],
  indexes: [by("campaign", "state", "wave", "_id"), by("campaign", "_id"), by("operation"), by("device")],
  durability: "full",
};
