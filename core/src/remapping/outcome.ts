/** One kept message through a device protocol: what the engine would have made of it. Pure. */
import type { DeviceView, Effect } from "../contract/action.ts";
import { newRawPayload, type RawPayload } from "../decoding/raw-payload.ts";
import { formatPath } from "../lwm2m/path.ts";
import { isFullRead } from "../lwm2m/server/value-batch.ts";
import { documentId, type MessageIdentity } from "../mapping/document-ids.ts";
import type { EffectOf } from "../mapping/effect-documents.ts";
import { type MapFailure, type MapParts, mapMessage } from "../mapping/engine.ts";
import { isFailureAlarm } from "../mapping/failure-alarms.ts";
import type { KeptMessage } from "../mapping/value-history.ts";

/** A kept message, as ids of documents are made from it. */
export type HistoryMessage = KeptMessage & MessageIdentity;

export interface Outcome {
  readonly message: HistoryMessage;
  /** Measurements and events. */
  readonly documents: readonly (EffectOf<"measurement"> | EffectOf<"event">)[];
  /** What it raises and clears, in order. */
  readonly alarms: readonly EffectOf<"alarm">[];
  /** What decoders are given. */
  readonly payloads: readonly RawPayload[];
  readonly failures: readonly MapFailure[];
}

export type Remap = (message: KeptMessage) => Outcome;

const isOf =
  <K extends Effect["kind"]>(...kinds: readonly K[]) =>
  (effect: Effect): effect is EffectOf<K> =>
    (kinds as readonly string[]).includes(effect.kind);

function payloadsOf(message: HistoryMessage, endpoint: string, effects: readonly Effect[]): RawPayload[] {
  return effects.filter(isOf("decode")).flatMap((effect, place) => {
    try {
      return [newRawPayload({ ...message, endpoint }, effect, documentId(message, "decode", place))];
    } catch {
      // A value that no decoder can be given: it was left out then, too.
      return [];
    }
  });
}

/** Messages must come in order: alarms of the mapping itself clear only what an earlier one raised. */
export function createRemap(parts: MapParts, device: DeviceView): Remap {
  const openAlarms = new Set<string>();
  return kept => {
    const { values = [], requestPath, compositePaths, receivedAtMs, settings } = kept;
    const earlier = new Map(kept.earlier.map(([path, value]) => [formatPath(path), value]));
    const { effects, failures } = mapMessage(parts, {
      values,
      requestPath,
      compositePaths,
      fullRead: isFullRead(kept),
      receivedAtMs,
      device,
      settings,
      openAlarms,
      lastValue: path => earlier.get(formatPath(path)),
    });
    const alarms = effects.filter(isOf("alarm")).filter(({ status }) => status === "CLEARED" || !kept.inMaintenance);
    for (const { type, status } of alarms) {
      if (status === "CLEARED") openAlarms.delete(type);
      else if (isFailureAlarm(type)) openAlarms.add(type);
    }
    const message = { ...kept, tenant: device.tenant };
    return {
      message,
      documents: effects.filter(isOf("measurement", "event")),
      alarms,
      payloads: payloadsOf(message, device.endpoint, effects),
      failures,
    };
  };
}
