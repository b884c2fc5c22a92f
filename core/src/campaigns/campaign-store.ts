/** Campaigns and their devices in the store, with the tallies of their waves in memory while they go on. */
import type { Page, PageRequest } from "../platform/platform.ts";
import { readPage } from "../platform/read-page.ts";
import type { JsonObject, Update } from "../store/collection.ts";
import {
  CAMPAIGN_DEVICES,
  CAMPAIGNS,
  type CampaignDeviceDocument,
  type CampaignDocument,
} from "../store/collections/firmware.ts";
import { keyOf } from "../store/collections/keys.ts";
import type { Store } from "../store/store.ts";
import type { NewCampaign } from "./campaign-body.ts";
import type { CampaignLimits, CampaignProgress, CampaignState, WaveTally } from "./campaign-machine.ts";

export interface Campaign extends Pick<NewCampaign, "name" | "retries" | "retryDelayMinutes" | "retryOn"> {
  readonly id: string;
  readonly tenant: string;
  readonly owner: string;
  readonly creationTimeMs: number;
  readonly firmware: { readonly name: string; readonly version: string; readonly url: string };
  readonly limits: CampaignLimits;
  /** Devices of each wave. */
  readonly sizes: readonly number[];
  readonly progress: CampaignProgress;
  /** When each wave began that has. */
  readonly startedMs: readonly number[];
}

export type CampaignDevice = CampaignDeviceDocument;
type DeviceState = CampaignDevice["state"];
export type MutableTally = { -readonly [K in keyof WaveTally]: WaveTally[K] };

const BUCKETS: Readonly<Record<DeviceState, keyof WaveTally>> = {
  WAITING: "waiting",
  SENDING: "open",
  SENT: "open",
  RETRYING: "open",
  SUCCESSFUL: "successful",
  FAILED: "failed",
};
const STATES = Object.keys(BUCKETS) as DeviceState[];
const ROWS_AT_ONCE = 500;

export interface CampaignStore {
  /** @param devices in the order of the waves */
  create(campaign: Omit<Campaign, "id">, devices: readonly string[]): Promise<Campaign>;
  find(tenant: string, id: string): Promise<Campaign | undefined>;
  list(tenant: string, page: PageRequest): Promise<Page<Campaign>>;
  /** Campaigns of this node in these states; those whose devices were being written go. */
  all(states: readonly CampaignState[]): Promise<readonly Campaign[]>;
  save(campaign: Campaign): Promise<void>;
  tallies(campaign: Campaign): Promise<MutableTally[]>;
  /** Those of the waves up to this one that wait, and those whose time to be tried again has come. */
  sendable(campaign: Campaign, nowMs: number, limit: number): Promise<CampaignDevice[]>;
  /** All in these states, also while they change. */
  each(campaign: Campaign, states: readonly DeviceState[]): AsyncIterable<CampaignDevice>;
  devicePage(campaign: Campaign, state: DeviceState | undefined, page: PageRequest): Promise<Page<CampaignDevice>>;
  byOperation(operations: readonly string[]): Promise<CampaignDevice[]>;
  byDevice(device: string): Promise<CampaignDevice[]>;
  /** @returns the device as it is then; undefined: it has changed meanwhile, nothing is stored */
  move(
    device: CampaignDevice,
    state: DeviceState,
    update: Update<CampaignDevice>,
    tallies: readonly MutableTally[],
  ): Promise<CampaignDevice | undefined>;
}

function toCampaign({ _id, tenant, state, creationTime, details }: CampaignDocument): Campaign {
  const { progress, ...rest } = details as unknown as Omit<Campaign, "id" | "tenant"> & { progress: CampaignProgress };
  return {
    ...rest,
    id: _id,
    tenant,
    creationTimeMs: creationTime,
    progress: { ...progress, state: state as CampaignState },
  };
}

const detailsOf = ({ id: _id, tenant: _tenant, creationTimeMs: _created, ...details }: Campaign): JsonObject =>
  details as unknown as JsonObject;

export function createCampaignStore(store: Store, node: string): CampaignStore {
  const campaigns = store.collection(CAMPAIGNS);
  const devices = store.collection(CAMPAIGN_DEVICES);

  async function remove(campaign: string): Promise<void> {
    await devices.deleteMany({ campaign });
    await campaigns.deleteMany({ _id: campaign });
  }

  return {
    async create(given, ids) {
      const id = String((await store.nextIds("campaigns", 1))[0]);
      const campaign = { ...given, id };
      const { tenant, creationTimeMs: creationTime } = campaign;
      const own = { _id: id, tenant, node, creationTime, details: detailsOf(campaign) };
      await campaigns.insertOne({ ...own, state: "PREPARING" });
      const waves = campaign.sizes.flatMap((size, wave) => new Array<number>(size).fill(wave));
      const rows = ids.map((device, at): CampaignDevice => {
        const wave = waves[at]!;
        return { _id: keyOf(id, device), tenant, campaign: id, device, wave, state: "WAITING", attempts: 0 };
      });
      for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
        await devices.insertMany(rows.slice(at, at + ROWS_AT_ONCE));
      }
      await campaigns.updateOne({ _id: id }, { $set: { state: "CREATED" } });
      return campaign;
    },

    async find(tenant, id) {
      const document = await campaigns.findOne({ _id: id, tenant, state: { $ne: "PREPARING" } });
      return document && toCampaign(document);
    },

    async list(tenant, page) {
      const found = await readPage(campaigns, { tenant, state: { $ne: "PREPARING" } }, page, [["_id", 1]]);
      return { ...found, items: found.items.map(toCampaign) };
    },

    async all(states) {
      for await (const { _id } of campaigns.stream({ node, state: "PREPARING" })) await remove(_id);
      const found: Campaign[] = [];
      for (const state of states) {
        for await (const document of campaigns.stream({ node, state })) found.push(toCampaign(document));
      }
      return found;
    },

    async save(campaign) {
      const { state } = campaign.progress;
      await campaigns.updateOne({ _id: campaign.id }, { $set: { state, details: detailsOf(campaign) } });
    },

    async tallies({ id: campaign, sizes }) {
      const tallies = sizes.map((): MutableTally => ({ waiting: 0, open: 0, successful: 0, failed: 0 }));
      for (const [wave, tally] of tallies.entries()) {
        for (const state of STATES) tally[BUCKETS[state]] += await devices.count({ campaign, state, wave });
      }
      return tallies;
    },

    async sendable({ id: campaign, progress: { wave } }, nowMs, limit) {
      const due = await devices.find({ campaign, state: "RETRYING", dueAt: { $lte: nowMs } }, { limit });
      return [...due, ...(await devices.find({ campaign, state: "WAITING", wave: { $lte: wave } }, { limit }))];
    },

    each: ({ id: campaign }, states) => devices.stream({ campaign, state: { $in: states } }),

    devicePage: ({ id: campaign }, state, page) =>
      readPage(devices, { campaign, ...(state && { state }) }, page, [["_id", 1]]),

    byOperation: operations => devices.find({ operation: { $in: operations } }, { limit: ROWS_AT_ONCE }),
    byDevice: device => devices.find({ device }, { limit: ROWS_AT_ONCE }),

    async move(device, state, update, tallies) {
      const { _id, state: before, attempts, operation } = device;
      const filter = { _id, state: before, attempts, operation: operation ?? null };
      const after = await devices.findOneAndUpdate(filter, { ...update, $set: { ...update.$set, state } });
      const tally = tallies[device.wave];
      if (after && tally) {
        tally[BUCKETS[before]]--;
        tally[BUCKETS[state]]++;
      }
      return after;
    },
  };
}
