/** Some payloads decoded again: what each makes now, and, where that is wanted, in the place of what it made. */
import { isFailure, messageOf } from "../../base/errors.ts";
import type { Effect } from "../../contract/action.ts";
import { usableEffects } from "../../mapping/check-effect.ts";
import { decodedMessage } from "../../mapping/document-ids.ts";
import type { LatePayload } from "../../mapping/late-effects.ts";
import { type Foreseen, foresee, nothingForeseen } from "../../mapping/late-now.ts";
import type { Superseder, Superseding } from "../../mapping/superseder.ts";
import type { ManagedObject, Platform } from "../../platform/platform.ts";
import type { DecodeOutcome } from "../../sandbox/decoder-runtime.ts";
import type { DocumentCollection } from "../../store/collection.ts";
import type { RawPayloadDocument } from "../../store/collections/decoding.ts";
import type { WriteOp } from "../../store/store.ts";
import { failureAlarmType, madeDocuments } from "../conclusion.ts";
import { decodedEffects, needsDevice, signedEffects } from "../decoded-effects.ts";
import type { DecoderDirectory, InstalledDecoder } from "../decoder-directory.ts";
import { decoderInput, deviceLookup, NO_DEVICE } from "../decoder-input.ts";
import { fromRawDocument, type RawPayload, supersededOps } from "../raw-payload.ts";
import { lastFailures } from "./failure-alarms.ts";
import type { Verdict } from "./redecode-tally.ts";

export interface RedecodePageParts {
  readonly payloads: Pick<DocumentCollection<RawPayloadDocument>, "find">;
  readonly directory: Pick<DecoderDirectory, "decode">;
  readonly superseder: Superseder;
  readonly write: Platform["write"];
  findDevice(tenant: string, deviceId: string): Promise<ManagedObject | undefined>;
}

/** What a payload makes by the version that is asked. */
export type Redecoded =
  | {
      readonly ok: true;
      readonly raw: RawPayload;
      readonly document: RawPayloadDocument;
      readonly effects: readonly Effect[];
      /** Types of open alarms that it names a status for. */
      readonly statusTypes: readonly string[];
    }
  | { readonly ok: false; readonly raw: RawPayload; readonly document: RawPayloadDocument; readonly message: string };

/** The decoder cannot be asked now, or its service did not answer as it should. */
export interface NotNow {
  readonly message: string;
  readonly retryAtMs?: number;
  /** What it is when that does not pass; absent: it is no fault of the payload. */
  readonly otherwise?: Redecoded;
}

function concludeFailed(
  raw: RawPayload,
  document: RawPayloadDocument,
  outcome: Extract<DecodeOutcome, { ok: false }>,
): Redecoded | NotNow {
  const failed: Redecoded = { ok: false, raw, document, message: `${outcome.reason}: ${outcome.message}` };
  if (outcome.reason === "unavailable") return outcome;
  return outcome.reason === "callFailed" ? { ...outcome, otherwise: failed } : failed;
}

const wasError = ({ document }: Redecoded): boolean => document.status === "ERROR";

type Decoded = Redecoded & { readonly ok: true };

/** What is to be carried out of a payload. */
interface Planned {
  readonly one: Decoded;
  readonly plan: Superseding;
}

/** What a comparison has gone through: pages are compared as if those before them had been changed. */
export interface Compared {
  readonly foreseen: Foreseen;
  /** Payloads of each device that were ERROR and would not be any more. */
  readonly recovered: Map<string, number>;
}

export const nothingCompared = (): Compared => ({ foreseen: nothingForeseen(), recovered: new Map() });

export interface RedecodePages {
  /** Decodes in the background. @returns for each payload what it makes, or why the decoder cannot say it now */
  decode(decoder: InstalledDecoder, documents: readonly RawPayloadDocument[]): Promise<readonly (Redecoded | NotNow)[]>;
  /**
   * What would change. @param before pages of the job that come before it
   * @returns `book`: adds it to them
   */
  compare(
    page: readonly Redecoded[],
    before: Compared,
  ): Promise<{ readonly verdicts: readonly Verdict[]; book(): void }>;
  /** Changes it, with `progress` in the same group, made from the verdicts. */
  supersede(
    page: readonly Redecoded[],
    version: string,
    progress: (verdicts: readonly Verdict[]) => WriteOp,
  ): Promise<void>;
}

export function createRedecodePages(parts: RedecodePageParts): RedecodePages {
  const { payloads, directory, superseder, write, findDevice } = parts;
  const deviceOf = deviceLookup(findDevice);

  async function decodeOne(decoder: InstalledDecoder, document: RawPayloadDocument): Promise<Redecoded | NotNow> {
    const raw = fromRawDocument(document);
    const input = await decoderInput(raw, decoder.manifest, deviceOf);
    const outcome = await directory.decode(decoder, input, { urgency: "background" });
    if (!outcome.ok) return concludeFailed(raw, document, outcome);
    const { result, version } = outcome;
    if (!result.success) return { ok: false, raw, document, message: result.message ?? "the decoder gave no reason" };
    const device = needsDevice(result) ? await deviceOf(raw) : NO_DEVICE;
    const { effects, alarmStatuses } = decodedEffects(result, device, raw.atMs);
    const { usable } = usableEffects(signedEffects(effects, { key: raw.decoder, version }));
    return { ok: true, raw, document, effects: usable, statusTypes: alarmStatuses.map(({ type }) => type) };
  }

  const lateOf = (
    { raw, effects, statusTypes }: Decoded,
    object: ManagedObject,
    endsFailures: boolean,
  ): LatePayload => ({
    rawId: raw.id,
    message: decodedMessage(raw),
    object,
    path: raw.path,
    effects,
    statusTypes,
    ...(endsFailures && { ends: failureAlarmType(raw.decoder) }),
    ...(raw.made && { made: raw.made }),
  });

  /** Verdicts in order, the plans of those that are decoded, and what these would leave. */
  async function plan(page: readonly Redecoded[], { foreseen, recovered: before }: Compared) {
    const objects = await Promise.all(page.map(({ raw }) => findDevice(raw.tenant, raw.deviceId)));
    const decoded = page.flatMap((one, at) => (one.ok && objects[at] ? [{ one, object: objects[at] }] : []));
    const recovered = decoded.filter(({ one }) => wasError(one)).map(({ one }) => one.raw);
    const last = new Set(await lastFailures(payloads, recovered, before));
    const late = decoded.map(({ one, object }) => lateOf(one, object, last.has(one.raw)));
    const { plans, leaves } = await superseder.plan(late, foreseen);
    const planned = decoded.map(({ one }, at): Planned => ({ one, plan: plans[at]! }));
    const planOf = new Map<Redecoded, Superseding>(planned.map(each => [each.one, each.plan]));
    const verdicts = page.map((one, at): Verdict => {
      if (!objects[at]) return { kind: "skipped" };
      if (!one.ok) return { kind: "failed", wasError: wasError(one), message: one.message };
      return { kind: "decoded", wasError: wasError(one), plan: planOf.get(one)! };
    });
    return { verdicts, planned, leaves, recovered };
  }

  /** They say that the documents are stored. */
  const concludingOps = (planned: readonly Planned[], version: string): WriteOp[] =>
    planned.flatMap(({ one }) => supersededOps(one.document, version, madeDocuments(one.effects)));

  return {
    decode: (decoder, documents) =>
      Promise.all(
        documents.map(async document => {
          try {
            return await decodeOne(decoder, document);
          } catch (error) {
            const message = messageOf(error);
            if (isFailure(error, "STORE_FULL", "STORE_FAILED", "CLOSED")) return { message };
            return { ok: false, raw: fromRawDocument(document), document, message };
          }
        }),
      ),
    async compare(page, before) {
      const { verdicts, leaves, recovered } = await plan(page, before);
      return {
        verdicts,
        book() {
          foresee(before.foreseen, leaves);
          for (const { deviceId } of recovered)
            before.recovered.set(deviceId, (before.recovered.get(deviceId) ?? 0) + 1);
        },
      };
    },
    supersede(page, version, progress) {
      const ids = page.map(({ raw }) => raw.id);
      return superseder.inTurn(ids, async () => {
        const now = await payloads.find({ _id: { $in: ids } }, { limit: Math.max(1, ids.length) });
        const documents = new Map(now.map(document => [document._id, document]));
        const isSame = ({ raw, document }: Redecoded): boolean => documents.get(raw.id)?.status === document.status;
        const same = page.filter(isSame).map(one => ({ ...one, document: documents.get(one.raw.id)! }));
        const { verdicts: ofSame, planned } = await plan(same, nothingCompared());
        const byId = new Map(same.map(({ raw }, at) => [raw.id, ofSame[at]!]));
        const verdicts = page.map(({ raw }): Verdict => byId.get(raw.id) ?? { kind: "skipped" });
        const documentOps = planned.flatMap(({ plan: { ops } }) => ops);
        await write([...documentOps, ...concludingOps(planned, version), progress(verdicts)]);
      });
    },
  };
}
