/**
 * Firmware campaigns: operations of kind `c8y_Firmware` for many devices in waves. What a device does with its operation is not seen here;
 * a campaign makes operations, watches their ends and steps (`campaign-machine.ts`).
 *
 * A device is marked with the id of its operation before that is made: after `kill -9` one look at the id tells whether it was, so that no
 * device gets two. What becomes of one campaign happens in turn.
 */
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { firmwareSource } from "../firmware/firmware-source.ts";
import type { FirmwareRepository } from "../firmware/repository.ts";
import { resultIn } from "../lwm2m/firmware/firmware-object.ts";
import { notFound } from "../platform/failures.ts";
import type { Fragments, Operation, Page, PageRequest, Platform } from "../platform/platform.ts";
import type { Store } from "../store/store.ts";
import { createInTurn, type InTurn } from "../tenants/in-turn.ts";
import { type CampaignChange, readCampaign, readCampaignChange, waveSizes } from "./campaign-body.ts";
import {
  type CampaignEvent,
  type CampaignProgress,
  haltReason,
  stepCampaign,
  type WaveTally,
} from "./campaign-machine.ts";
import { type Campaign, type CampaignDevice, createCampaignStore, type MutableTally } from "./campaign-store.ts";
import { campaignDevices } from "./campaign-targets.ts";

export interface CampaignView extends Campaign {
  readonly tallies: readonly WaveTally[];
}

export interface Campaigns extends AsyncDisposable {
  /**
   * Its devices are those of now; nothing is sent before it is started.
   * @param body unchecked
   * @throws MooringError VALIDATION naming the member and rule
   */
  create(tenant: string, body: unknown, owner: string): Promise<CampaignView>;
  list(tenant: string, page: PageRequest): Promise<Page<CampaignView>>;
  /** @throws MooringError NOT_FOUND */
  get(tenant: string, id: string): Promise<CampaignView>;
  /**
   * Starts, pauses, resumes or cancels, or sets limits.
   * @param body unchecked
   * @throws MooringError NOT_FOUND, VALIDATION, CONFLICT for what is not for its state, or would halt it again
   */
  change(tenant: string, id: string, body: unknown): Promise<CampaignView>;
  /** Its devices, by id. @throws MooringError NOT_FOUND */
  devices(
    tenant: string,
    id: string,
    state: CampaignDevice["state"] | undefined,
    page: PageRequest,
  ): Promise<Page<CampaignDevice>>;
  /** Goes on with what an earlier life of this node was doing, in the background. */
  recover(): Promise<void>;
}

export interface CampaignsParts {
  readonly store: Store;
  readonly platform: Pick<Platform, "inventory" | "children" | "binaries" | "operations" | "alarms">;
  readonly repository: Pick<FirmwareRepository, "version">;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  /** The managed object that alarms of the tenant's campaigns stand at. */
  alarmSource(tenant: string): Promise<string>;
}

/** On an operation: which campaign made it. */
const FRAGMENT = "c8y_LWM2MCampaign";
/** Between two looks at the time. */
const LOOK_MS = 10_000;
const SENT_AT_ONCE = 50;
const UNDER_WAY = ["RUNNING", "PAUSED", "HALTED", "CANCELLED"] as const;
const ENDED: readonly string[] = ["SUCCESSFUL", "FAILED"];
const MINUTE_MS = 60_000;

/** A campaign in memory. */
interface Run {
  campaign: Campaign;
  readonly tallies: MutableTally[];
  readonly inTurn: InTurn;
}

const markOf = ({ fragments }: Operation): Fragments | undefined => {
  const mark = fragments[FRAGMENT];
  return typeof mark === "object" && mark !== null ? (mark as Fragments) : undefined;
};

export function createCampaigns(parts: CampaignsParts): Campaigns {
  const { platform, clock, log, repository } = parts;
  const { operations, alarms } = platform;
  const stored = createCampaignStore(parts.store, parts.node);
  const runs = new Map<string, Promise<Run>>();
  const active = new Set<Promise<void>>();
  let closed = false;
  /** Something failed on the way: the next look asks what became of every operation. */
  let isInDoubt = false;
  let timer: Disposable | undefined;

  async function load(tenant: string, id: string): Promise<Run> {
    const campaign = await stored.find(tenant, id);
    if (!campaign) throw notFound("campaign", id);
    return { campaign, tallies: await stored.tallies(campaign), inTurn: createInTurn() };
  }

  async function runOf(tenant: string, id: string): Promise<Run> {
    const known = runs.get(id);
    if (known) {
      const run = await known;
      if (run.campaign.tenant === tenant) return run;
      throw notFound("campaign", id);
    }
    const loading = load(tenant, id);
    runs.set(id, loading);
    loading.catch(() => runs.delete(id));
    return await loading;
  }

  /** Work that nobody waits for; closing does. */
  function follow(work: () => Promise<void>): void {
    if (closed) return;
    const running = work().catch((error: unknown) => {
      isInDoubt = true;
      watch();
      if (!isFailure(error, "CLOSED")) log.error("campaign.fault", { reason: messageOf(error) });
    });
    active.add(running);
    void running.then(() => active.delete(running));
  }

  const view = ({ campaign, tallies }: Run): CampaignView => ({
    ...campaign,
    tallies: tallies.map(each => ({ ...each })),
  });

  async function save(run: Run, progress: CampaignProgress): Promise<void> {
    const { campaign } = run;
    const { waveStartedMs, wave, state, reason } = progress;
    const startedMs = [...campaign.startedMs];
    if (waveStartedMs !== undefined) startedMs[wave] = waveStartedMs;
    run.campaign = { ...campaign, progress, startedMs };
    await stored.save(run.campaign);
    log.info("campaign.stepped", {
      campaignId: campaign.id,
      state,
      wave: wave + 1,
      ...(reason !== undefined && { reason }),
    });
  }

  const alarmType = ({ id }: Pick<Campaign, "id">): string => `c8y_LWM2MCampaignHalted_${id}`;

  async function raiseAlarm(campaign: Campaign): Promise<void> {
    const { tenant, name, progress } = campaign;
    await alarms.create(tenant, {
      source: { id: await parts.alarmSource(tenant) },
      type: alarmType(campaign),
      severity: "MAJOR",
      text: `Firmware campaign ${name} halted: ${progress.reason}`,
      time: new Date(clock.now()).toISOString(),
    });
  }

  async function ensureAlarm(campaign: Campaign): Promise<void> {
    const sourceId = await parts.alarmSource(campaign.tenant);
    const count = await alarms.count(campaign.tenant, { sourceId, types: [alarmType(campaign)] });
    if (count === 0) await raiseAlarm(campaign);
  }

  async function clearAlarm(campaign: Campaign): Promise<void> {
    const sourceId = await parts.alarmSource(campaign.tenant);
    await alarms.updateMatching(campaign.tenant, { sourceId, types: [alarmType(campaign)] }, { status: "CLEARED" });
  }

  async function sendTo(run: Run, device: CampaignDevice): Promise<void> {
    const { id, tenant, firmware } = run.campaign;
    const operation = String((await parts.store.nextIds("operations", 1))[0]);
    const $set = { operation, attempts: device.attempts + 1 };
    const marked = await stored.move(device, "SENDING", { $set, $unset: { dueAt: true, reason: true } }, run.tallies);
    if (!marked) return;
    const description = `Update firmware to ${firmware.name} ${firmware.version}`;
    const mark = { id, wave: device.wave + 1 };
    try {
      const body = { deviceId: device.device, description, c8y_Firmware: firmware, [FRAGMENT]: mark };
      await operations.create(tenant, body, operation);
    } catch (error) {
      if (!isFailure(error, "VALIDATION")) throw error;
      await stored.move(marked, "FAILED", { $set: { reason: "the device is gone" } }, run.tallies);
      return;
    }
    await stored.move(marked, "SENT", {}, run.tallies);
  }

  /** A few of those that may be sent to now. @returns whether there were any */
  async function sendSome(run: Run): Promise<boolean> {
    const sendable = await stored.sendable(run.campaign, clock.now(), SENT_AT_ONCE);
    // All are waited for: what happens to a campaign happens in turn.
    const sent = await Promise.allSettled(sendable.map(device => sendTo(run, device)));
    const failed = sent.find(result => result.status === "rejected");
    if (failed) throw failed.reason;
    return sendable.length > 0;
  }

  /** What no device has begun with goes back: it would otherwise be installed when a device wakes after days. */
  async function withdraw(run: Run, why: string): Promise<void> {
    const { id, tenant } = run.campaign;
    for await (const device of stored.each(run.campaign, ["SENT"])) {
      const mark = { [FRAGMENT]: { id, wave: device.wave + 1, withdrawn: true } };
      if (await operations.withdraw(tenant, device.operation!, why, mark)) await takeBack(run, device);
    }
  }

  const takeBack = (run: Run, device: CampaignDevice) =>
    stored.move(
      device,
      "WAITING",
      { $set: { attempts: Math.max(0, device.attempts - 1) }, $unset: { operation: true } },
      run.tallies,
    );

  /** Steps and sends until there is nothing more to do now. */
  async function goOn(run: Run): Promise<void> {
    if (run.campaign.progress.state === "RUNNING") watch();
    while (!closed) {
      const { progress, limits } = run.campaign;
      const next = stepCampaign(progress, { kind: "look" }, limits, run.tallies, clock.now())!;
      if (next !== progress) {
        await save(run, next);
        if (next.state === "HALTED") {
          await raiseAlarm(run.campaign);
          await withdraw(run, "The firmware campaign was halted");
        }
      }
      if (next.state !== "RUNNING" || !(await sendSome(run))) return;
    }
  }

  /** The operation of a device has ended. */
  async function settle(run: Run, device: CampaignDevice, operation: Operation | undefined): Promise<void> {
    const { retries, retryOn, retryDelayMinutes } = run.campaign;
    if (operation && !ENDED.includes(operation.status)) return;
    if (operation?.status === "SUCCESSFUL") {
      await stored.move(device, "SUCCESSFUL", {}, run.tallies);
      return;
    }
    if (operation && markOf(operation)?.["withdrawn"] === true) {
      await takeBack(run, device);
      return;
    }
    const reason = operation ? (operation.failureReason ?? "failed").slice(0, 1000) : "the operation was deleted";
    const result = operation && resultIn(operation.failureReason ?? "");
    const isTriedAgain = result !== undefined && retryOn.includes(result) && device.attempts <= retries;
    const dueAt = clock.now() + Math.round(retryDelayMinutes * MINUTE_MS);
    if (isTriedAgain) await stored.move(device, "RETRYING", { $set: { reason, dueAt } }, run.tallies);
    else await stored.move(device, "FAILED", { $set: { reason } }, run.tallies);
  }

  async function ended(tenant: string, ids: readonly string[], operation: Operation | undefined): Promise<void> {
    for (const { campaign, _id } of await stored.byOperation(ids)) {
      const run = await runOf(tenant, campaign);
      await run.inTurn(async () => {
        // Read in turn: what was being sent is sent then.
        const [device] = (await stored.byOperation(ids)).filter(each => each._id === _id);
        if (device && (device.state === "SENT" || device.state === "SENDING")) await settle(run, device, operation);
        await goOn(run);
      });
    }
  }

  async function gone(tenant: string, deviceId: string): Promise<void> {
    for (const { campaign, _id } of await stored.byDevice(deviceId)) {
      const run = await runOf(tenant, campaign);
      await run.inTurn(async () => {
        const device = (await stored.byDevice(deviceId)).find(each => each._id === _id);
        if (device && !ENDED.includes(device.state)) {
          await stored.move(device, "FAILED", { $set: { reason: "the device was removed" } }, run.tallies);
        }
        await goOn(run);
      });
    }
  }

  const onChanged = operations.onChanged((tenant, operation) => {
    if (ENDED.includes(operation.status) && markOf(operation)) follow(() => ended(tenant, [operation.id], operation));
  });
  const onDeleted = operations.onDeleted((tenant, ids) => follow(() => ended(tenant, ids, undefined)));
  const onRemoved = platform.inventory.onDeleted(
    async () => {},
    async (tenant, { id }) => follow(() => gone(tenant, id)),
  );

  async function lookAtAll(): Promise<void> {
    let isRunning = false;
    const wasInDoubt = isInDoubt;
    isInDoubt = false;
    for (const loading of [...runs.values()]) {
      const run = await loading;
      if (wasInDoubt) await run.inTurn(() => takeUp(run));
      else if (run.campaign.progress.state === "RUNNING") await run.inTurn(() => goOn(run));
      else if (run.campaign.progress.state === "COMPLETED") runs.delete(run.campaign.id);
      isRunning ||= run.campaign.progress.state === "RUNNING";
    }
    if (isRunning) watch();
  }
  /** Armed as long as a campaign runs: a host without any has no timer for them. */
  function watch(): void {
    if (closed || timer) return;
    timer = clock.after(LOOK_MS, () => {
      timer = undefined;
      follow(lookAtAll);
    });
  }

  /** Looks at everything that is under way. */
  async function takeUp(run: Run): Promise<void> {
    const { tenant, progress } = run.campaign;
    for await (const device of stored.each(run.campaign, ["SENDING", "SENT"])) {
      const operation = await find(tenant, device.operation!);
      if (!operation && device.state === "SENDING") await takeBack(run, device);
      else {
        const sent = device.state === "SENT" ? device : await stored.move(device, "SENT", {}, run.tallies);
        if (sent) await settle(run, sent, operation);
      }
    }
    if (progress.state === "HALTED") await ensureAlarm(run.campaign);
    if (progress.state === "HALTED" || progress.state === "CANCELLED")
      await withdraw(run, "The firmware campaign was ended");
    await goOn(run);
  }

  async function find(tenant: string, id: string): Promise<Operation | undefined> {
    try {
      return await operations.get(tenant, id);
    } catch (error) {
      if (isFailure(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  const refuse = (message: string): MooringError => new MooringError("CONFLICT", message);

  /** Limits and state as the change wants them. @throws MooringError CONFLICT */
  function changed(run: Run, change: CampaignChange): Pick<Campaign, "limits" | "progress"> {
    const { campaign, tallies } = run;
    const { action, retryFailed, maxFailurePercent, gate } = change;
    const limits = {
      maxFailurePercent: maxFailurePercent ?? campaign.limits.maxFailurePercent,
      minSuccessPercent: gate?.minSuccessPercent ?? campaign.limits.minSuccessPercent,
      minMinutes: gate?.minutes ?? campaign.limits.minMinutes,
    };
    if (action === undefined) return { limits, progress: campaign.progress };
    const event: CampaignEvent = { kind: action };
    const progress = stepCampaign(campaign.progress, event, limits, tallies, clock.now());
    if (!progress) throw refuse(`a campaign that is ${campaign.progress.state} cannot ${action}`);
    const again = action === "resume" && !retryFailed ? haltReason(progress, limits, tallies) : undefined;
    if (again !== undefined) throw refuse(`${again}: change the limits, or try the failed again with retryFailed`);
    return { limits, progress };
  }

  async function retryAllFailed(run: Run): Promise<void> {
    const update = { $set: { attempts: 0 }, $unset: { operation: true, reason: true } } as const;
    for await (const device of stored.each(run.campaign, ["FAILED"])) {
      await stored.move(device, "WAITING", update, run.tallies);
    }
  }

  return {
    async create(tenant, body, owner) {
      const { firmware: named, devices: targets, waves, ...rest } = readCampaign(body);
      const firmware = "id" in named ? await repository.version(tenant, named.id) : named;
      await firmwareSource(platform.binaries, tenant, firmware.url);
      const devices = await campaignDevices(parts, tenant, targets);
      const sizes = waveSizes(waves, devices.length);
      const progress = { state: "CREATED", wave: 0 } as const;
      const own = { tenant, owner, creationTimeMs: clock.now(), startedMs: [] };
      const campaign = await stored.create({ ...rest, ...own, firmware, sizes, progress }, devices);
      return view(await runOf(tenant, campaign.id));
    },

    async list(tenant, page) {
      const found = await stored.list(tenant, page);
      const items: CampaignView[] = [];
      for (const { id } of found.items) items.push(view(await (runs.get(id) ?? load(tenant, id))));
      return { ...found, items };
    },

    get: async (tenant, id) => view(await (runs.has(id) ? runOf(tenant, id) : load(tenant, id))),

    async change(tenant, id, body) {
      const change = readCampaignChange(body);
      const run = await runOf(tenant, id);
      await run.inTurn(async () => {
        const { limits, progress } = changed(run, change);
        const wasHalted = run.campaign.progress.state === "HALTED";
        run.campaign = { ...run.campaign, limits };
        if (change.retryFailed) await retryAllFailed(run);
        await save(run, progress);
        if (wasHalted && progress.state !== "HALTED") await clearAlarm(run.campaign);
        if (progress.state === "CANCELLED") await withdraw(run, "The firmware campaign was cancelled");
      });
      // Sending takes its time; who asked does not wait for it.
      follow(() => run.inTurn(() => goOn(run)));
      return view(run);
    },

    async devices(tenant, id, state, page) {
      const campaign = await stored.find(tenant, id);
      if (!campaign) throw notFound("campaign", id);
      return await stored.devicePage(campaign, state, page);
    },

    async recover() {
      for (const { tenant, id } of await stored.all(UNDER_WAY)) {
        const run = await runOf(tenant, id);
        // Before anything else of that campaign, and beside the rest of the start.
        follow(() => run.inTurn(() => takeUp(run)));
      }
    },

    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.[Symbol.dispose]();
      onChanged[Symbol.dispose]();
      onDeleted[Symbol.dispose]();
      onRemoved[Symbol.dispose]();
      await Promise.all(active);
    },
  };
}
