/** The way up: values to effects to documents, payloads through their decoders, and how long what was kept stays. */
import type { Effect } from "./contract/action.ts";
import { createBacklog } from "./decoding/backlog.ts";
import { createDecodeQueue, type DecodeQueue } from "./decoding/decode-queue.ts";
import { createPauseAlarms } from "./decoding/pause-alarms.ts";
import { createRawRetention } from "./decoding/raw-retention.ts";
import { createEffectApplier } from "./mapping/apply-effects.ts";
import type { MapParts } from "./mapping/engine.ts";
import { createSuperseder, type Superseder } from "./mapping/superseder.ts";
import { createUplink, type Uplink } from "./mapping/uplink.ts";
import { createValueRetention } from "./mapping/value-retention.ts";
import type { Base } from "./server-base.ts";
import { type Decoders, openRedecoding, type Redecoding } from "./server-decoders.ts";
import type { Extensions } from "./server-plugins.ts";
import { RAW_PAYLOADS } from "./store/collections/decoding.ts";
import { VALUE_HISTORY } from "./store/collections/values.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export interface UplinkOpening {
  readonly base: Base;
  readonly decoders: Pick<Decoders, "catalog" | "shadow">;
  readonly extensions: Pick<Extensions, "actions" | "publishers">;
  /** See `HostParts.onStored`. */
  readonly onStored: ((endpoint: string, effects: readonly Effect[]) => void) | undefined;
}

export interface Way extends Redecoding {
  readonly mapping: MapParts;
  readonly superseder: Superseder;
  readonly uplink: Uplink;
  readonly decodeQueue: DecodeQueue;
}

/** Nothing is decoded before the queue and the jobs are started. */
export function openUplink({ base, decoders, extensions, onStored }: UplinkOpening, opened: AsyncDisposableStack): Way {
  const { config, clock, log, node, store, platform, connectors, protocols } = base;
  const { catalog, shadow } = decoders;
  const { actions, publishers } = extensions;
  const applier = createEffectApplier({
    platform,
    nowMs: clock.now,
    decodes: {
      displayName: (tenant, key) => decodeQueue.displayName(tenant, key),
      enqueue: payloads => decodeQueue.enqueue(payloads),
      sweep: () => decodeQueue.sweep(),
    },
  });
  const superseder = createSuperseder({ store, nowMs: clock.now });
  const mapping = {
    protocol: protocols.find,
    actions,
    conversion: { lenientOctal: config.deviceProtocols.lenientOctal },
  };
  const uplink = createUplink({
    platform,
    store,
    log,
    mapping,
    applier,
    superseder,
    publishers,
    ...(config.history.retentionDays > 0 && { keepsValues: config.history.devices }),
    ...(onStored && { onStored }),
  });
  const payloads = store.collection(RAW_PAYLOADS);
  const decodeQueue = opened.use(
    createDecodeQueue({
      directory: catalog,
      backlog: createBacklog(payloads),
      apply: uplink.applyDecoded,
      write: platform.write,
      findDevice: platform.inventory.findCached,
      onDecoded: shadow.observe,
      clock,
      log,
      limits: { maxQueued: config.decoding.maxQueued, sweepMs: config.decoding.sweepMs },
      onPause: createPauseAlarms({ alarms: platform.alarms, source: connectors, clock, log }),
      retries: { max: config.decoding.maxRetries, delayMs: config.decoding.retryDelayMinutes * MINUTE_MS },
    }),
  );
  const keepRawMs = config.decoding.rawRetentionDays * DAY_MS;
  opened.use(createRawRetention({ payloads, write: platform.write, clock, log, keepMs: keepRawMs })).start();
  const history = store.collection(VALUE_HISTORY);
  const keepMs = config.history.retentionDays * DAY_MS;
  opened.use(createValueRetention({ history, clock, log, keepMs })).start();
  catalog.onChanged(() => void decodeQueue.sweep());
  const redecodingParts = { store, platform, decoders: catalog, superseder, decodeQueue, clock, log, node };
  return { mapping, superseder, uplink, decodeQueue, ...openRedecoding(redecodingParts, opened) };
}
