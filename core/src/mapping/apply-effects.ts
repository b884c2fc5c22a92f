/** The one place where effects become stored documents: all those of one message in one write. */
import { messageOf } from "../base/errors.ts";
import type { Effect } from "../contract/action.ts";
import { keepOps, newRawPayload, type RawPayload } from "../decoding/raw-payload.ts";
import { alarmOp } from "../platform/alarm.ts";
import { eventOp } from "../platform/event.ts";
import { type LastValue, lastValueOps } from "../platform/last-values.ts";
import { inMaintenance, inventorySetOp } from "../platform/managed-object.ts";
import type { Fragments, ManagedObject, Platform } from "../platform/platform.ts";
import { appendOp, type WriteOp } from "../store/store.ts";
import { alarmDocumentId, type DocumentKind, documentId, type MessageIdentity, type Places } from "./document-ids.ts";
import { type EffectOf, measurementOf, newAlarmOf, newEventOf } from "./effect-documents.ts";
import { inventoryChanges } from "./inventory-changes.ts";

/** Where values for decoders go once they are kept. */
export interface DecodeIntake {
  /** For people; the key where the decoder is not known. */
  displayName(tenant: string, decoder: string): string;
  enqueue(payloads: readonly RawPayload[]): void;
  /** Looks into the store for what waits there. */
  sweep(): unknown;
}

export interface ApplyTarget extends MessageIdentity {
  readonly endpoint: string;
  /** The device as it was when the message came. */
  readonly object: ManagedObject;
  /** The write that keeps the message itself, told when it was applied and what it became. */
  readonly keep?: ((appliedAtMs: number, places: Places) => WriteOp) | undefined;
}

export interface EffectApplier {
  /**
   * Resolves when everything is stored. Applying the same effects of the same message again stores nothing twice; an open
   * alarm is counted up again.
   * @param more writes that belong to the same group, after those of the effects
   * @returns why effects were left out: values that no decoder can be given
   * @throws MooringError STORE_FULL (nothing is stored), STORE_FAILED, and VALIDATION or TOO_LARGE for what no store keeps; the
   *         other documents are stored then
   */
  apply(target: ApplyTarget, effects: readonly Effect[], more?: readonly WriteOp[]): Promise<readonly string[]>;
}

export interface ApplierParts {
  readonly platform: Pick<Platform, "write">;
  readonly nowMs: () => number;
  readonly decodes: DecodeIntake;
}

/** What one message gathers on its way to the store. */
interface Group {
  readonly target: ApplyTarget;
  readonly nowMs: number;
  readonly ops: WriteOp[];
  readonly lastValues: LastValue[];
  readonly sets: Fragments[];
  /** With the place of the write that keeps each. */
  readonly payloads: { readonly payload: RawPayload; readonly at: number }[];
  readonly leftOut: string[];
  readonly places: Record<DocumentKind, number>;
}

const nextId = (group: Group, kind: DocumentKind): string => documentId(group.target, kind, group.places[kind]++);

const nextAlarmId = ({ target, nowMs, places }: Group): string => alarmDocumentId(target, nowMs, places.alarm++);

/** Raw first: the payload is part of the message's write, the decoder runs afterwards. */
function keep(group: Group, effect: EffectOf<"decode">, decodes: DecodeIntake): void {
  const id = nextId(group, "decode");
  try {
    const payload = newRawPayload(group.target, effect, id);
    group.payloads.push({ payload, at: group.ops.length });
    group.ops.push(...keepOps(payload, decodes.displayName(payload.tenant, effect.decoder), group.nowMs));
  } catch (error) {
    group.leftOut.push(messageOf(error));
  }
}

function add(group: Group, effect: Effect, decodes: DecodeIntake): void {
  const { target, nowMs, ops } = group;
  const { tenant } = target;
  switch (effect.kind) {
    case "measurement":
      ops.push(appendOp(measurementOf(target, effect, nextId(group, "measurement"))));
      return;
    case "event":
      ops.push(eventOp(tenant, nextId(group, "event"), newEventOf(target, effect), nowMs));
      return;
    case "alarm":
      // A device in maintenance gets no new alarms (platform API 5.4).
      if (effect.status !== "CLEARED" && inMaintenance(target.object)) return;
      ops.push(alarmOp(tenant, nextAlarmId(group), newAlarmOf(target, effect), nowMs));
      return;
    case "inventory":
      group.sets.push(effect.set);
      return;
    case "lastValue":
      group.lastValues.push(effect);
      return;
    case "decode":
      keep(group, effect, decodes);
      return;
  }
}

export function createEffectApplier({ platform, nowMs, decodes }: ApplierParts): EffectApplier {
  return {
    async apply(target, effects, more = []) {
      const group: Group = {
        target,
        nowMs: nowMs(),
        ops: [],
        lastValues: [],
        sets: [],
        payloads: [],
        leftOut: [],
        places: { measurement: 0, event: 0, alarm: 0, decode: 0 },
      };
      for (const effect of effects) add(group, effect, decodes);
      const { ops, lastValues, sets, payloads } = group;
      const { tenant, deviceId, object } = target;
      if (lastValues.length > 0) ops.push(...lastValueOps(tenant, deviceId, lastValues));
      const changes = sets.length > 0 ? inventoryChanges(object, sets) : undefined;
      if (changes) ops.push(inventorySetOp(tenant, deviceId, changes, group.nowMs));
      ops.push(...more);
      if (target.keep) ops.push(target.keep(group.nowMs, group.places));
      const results = ops.length > 0 ? await platform.write(ops) : [];
      const fresh = payloads.filter(({ at }) => results[at]!.outcome === "inserted").map(({ payload }) => payload);
      if (fresh.length > 0) decodes.enqueue(fresh);
      // The message has come before: the store knows how far its payloads are.
      if (fresh.length < payloads.length) decodes.sweep();
      return group.leftOut;
    },
  };
}
