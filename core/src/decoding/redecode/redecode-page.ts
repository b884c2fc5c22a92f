/** Some payloads decoded again: what each makes now, and, where that is wanted, in the place of what it made. */
import { isFailure, messageOf } from "../../base/errors.ts";
import type { Effect } from "../../contract/action.ts";
import { usableEffects } from "../../mapping/check-effect.ts";
import { decodedMessage } from "../../mapping/document-ids.ts";
import type { LatePayload } from "../../mapping/late-effects.ts";
import type { Superseder } from "../../mapping/superseder.ts";
import type { Supersession } from "../../mapping/supersession.ts";
import type { ManagedObject } from "../../platform/platform.ts";
import type { DecodeOutcome } from "../../sandbox/decoder-runtime.ts";
import type { DocumentCollection } from "../../store/collection.ts";
import type { RawPayloadDocument } from "../../store/collections/decoding.ts";
import type { WriteOp } from "../../store/store.ts";
import { madeDocuments } from "../conclusion.ts";
import { decodedEffects, needsDevice, signedEffects } from "../decoded-effects.ts";
import type { DecoderDirectory, InstalledDecoder } from "../decoder-directory.ts";
import { decoderInput, deviceLookup, NO_DEVICE } from "../decoder-input.ts";
import { fromRawDocument, type RawPayload, supersededOps } from "../raw-payload.ts";
import { endedAlarmOps } from "./failure-alarms.ts";
import type { Verdict } from "./redecode-tally.ts";

export interface RedecodePageParts {
  readonly payloads: Pick<DocumentCollection<RawPayloadDocument>, "find">;
  readonly directory: Pick<DecoderDirectory, "decode">;
  readonly superseder: Superseder;
  findDevice(tenant: string, deviceId: string): Promise<ManagedObject | undefined>;
  readonly nowMs: () => number;
}

/** What a payload makes by the version that is asked. */
export type Redecoded =
  | {
      readonly ok: true;
      readonly raw: RawPayload;
      readonly document: RawPayloadDocument;
      readonly effects: readonly Effect[];
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
  readonly late: LatePayload;
  readonly plan: Supersession;
}

export interface RedecodePages {
  /** Decodes in the background. @returns for each payload what it makes, or why the decoder cannot say it now */
  decode(decoder: InstalledDecoder, documents: readonly RawPayloadDocument[]): Promise<readonly (Redecoded | NotNow)[]>;
  /** What would change. */
  compare(page: readonly Redecoded[]): Promise<readonly Verdict[]>;
  /** Changes it, with `progress` in the same group, made from the verdicts. */
  supersede(
    page: readonly Redecoded[],
    version: string,
    progress: (verdicts: readonly Verdict[]) => WriteOp,
  ): Promise<void>;
}

export function createRedecodePages(parts: RedecodePageParts): RedecodePages {
  const { payloads, directory, superseder, findDevice, nowMs } = parts;
  const deviceOf = deviceLookup(findDevice);

  async function decodeOne(decoder: InstalledDecoder, document: RawPayloadDocument): Promise<Redecoded | NotNow> {
    const raw = fromRawDocument(document);
    const input = await decoderInput(raw, decoder.manifest, deviceOf);
    const outcome = await directory.decode(decoder, input, { urgency: "background" });
    if (!outcome.ok) return concludeFailed(raw, document, outcome);
    const { result, version } = outcome;
    if (!result.success) return { ok: false, raw, document, message: result.message ?? "the decoder gave no reason" };
    const { effects } = decodedEffects(result, needsDevice(result) ? await deviceOf(raw) : NO_DEVICE, raw.atMs);
    const { usable } = usableEffects(signedEffects(effects, { key: raw.decoder, version }));
    return { ok: true, raw, document, effects: usable };
  }

  const lateOf = ({ raw, effects }: Decoded, object: ManagedObject): LatePayload => ({
    rawId: raw.id,
    message: decodedMessage(raw),
    object,
    path: raw.path,
    effects,
    ...(raw.made && { made: raw.made }),
  });

  /** Verdicts in order, and the plans of those that are decoded. */
  async function plan(page: readonly Redecoded[]) {
    const objects = await Promise.all(page.map(({ raw }) => findDevice(raw.tenant, raw.deviceId)));
    const decoded = page.flatMap((one, at) => (one.ok && objects[at] ? [{ one, late: lateOf(one, objects[at]) }] : []));
    const plans = await superseder.plan(decoded.map(({ late }) => late));
    const planned = decoded.map((each, at): Planned => ({ ...each, plan: plans[at]! }));
    const planOf = new Map<Redecoded, Supersession>(planned.map(each => [each.one, each.plan]));
    const verdicts = page.map((one, at): Verdict => {
      if (!objects[at]) return { kind: "skipped" };
      if (!one.ok) return { kind: "failed", wasError: wasError(one), message: one.message };
      return { kind: "decoded", wasError: wasError(one), plan: planOf.get(one)! };
    });
    return { verdicts, planned };
  }

  async function documentOps(planned: readonly Planned[]): Promise<WriteOp[]> {
    const ops: WriteOp[] = [];
    for (const each of planned) ops.push(...(await superseder.opsOf(each.late, each.plan)));
    const recovered = planned.filter(({ one }) => wasError(one)).map(({ one }) => one.raw);
    return [...ops, ...(await endedAlarmOps(payloads, recovered, nowMs()))];
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
    compare: async page => (await plan(page)).verdicts,
    supersede(page, version, progress) {
      const ids = page.map(({ raw }) => raw.id);
      return superseder.inTurn(ids, async () => {
        const now = await payloads.find({ _id: { $in: ids } }, { limit: Math.max(1, ids.length) });
        const documents = new Map(now.map(document => [document._id, document]));
        const isSame = ({ raw, document }: Redecoded): boolean => documents.get(raw.id)?.status === document.status;
        const same = page.filter(isSame).map(one => ({ ...one, document: documents.get(one.raw.id)! }));
        const { verdicts: ofSame, planned } = await plan(same);
        const byId = new Map(same.map(({ raw }, at) => [raw.id, ofSame[at]!]));
        const verdicts = page.map(({ raw }): Verdict => byId.get(raw.id) ?? { kind: "skipped" });
        await superseder.write(await documentOps(planned), [...concludingOps(planned, version), progress(verdicts)]);
      });
    },
  };
}
