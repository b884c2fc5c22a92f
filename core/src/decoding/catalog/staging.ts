/** From an uploaded version to one in force: staged, compared, activated, rolled back. */
import type { Clock } from "../../base/clock.ts";
import { MooringError } from "../../base/errors.ts";
import { invalid } from "../../platform/body.ts";
import { notFound } from "../../platform/failures.ts";
import { ownerOf } from "../decoder-directory.ts";
import type { DecoderCatalog } from "./catalog.ts";
import type { VersionName } from "./catalog-store.ts";
import type { DecoderEvent } from "./decoder-machine.ts";
import { readActivateRequest, readStageRequest } from "./requests.ts";
import type { Shadow } from "./shadow.ts";
import { type Findings, findingsOf, objection, type ShadowReport } from "./shadow-report.ts";

export interface StageView {
  readonly version: string;
  /** Absent: nothing has been compared yet, as no version is in force. */
  readonly report?: ShadowReport;
  readonly findings: Findings;
  /** Why it could not be activated now without force. */
  readonly objection?: string;
}

export interface Activation {
  /** In force before; null: none was. */
  readonly previous: string | null;
  readonly version: string | null;
  /** What was known of the version; absent for a rollback. */
  readonly findings?: Findings;
}

export interface Staging {
  /** @throws MooringError VALIDATION, NOT_FOUND, CONFLICT */
  stage(tenant: string, key: string, body: unknown, by: string): Promise<StageView>;
  /** @throws MooringError CONFLICT where none is staged */
  unstage(tenant: string, key: string, by: string): Promise<void>;
  /** @throws MooringError NOT_FOUND where none is staged */
  staged(tenant: string, key: string): Promise<StageView>;
  /** @throws MooringError VALIDATION, NOT_FOUND; CONFLICT with `details.counts` where the report is against it */
  activate(tenant: string, key: string, body: unknown, by: string): Promise<Activation>;
  /** To what was in force before. @throws MooringError CONFLICT */
  rollback(tenant: string, key: string, by: string): Promise<Activation>;
}

export interface StagingParts {
  readonly catalog: Pick<DecoderCatalog, "find" | "version" | "inherited" | "record" | "step">;
  readonly shadow: Pick<Shadow, "begin" | "run" | "end" | "report">;
  readonly clock: Clock;
  /** Share of different and failed payloads that a version may have, in percent. */
  readonly maxDifferentPercent: number;
}

export function createStaging({ catalog, shadow, clock, maxDifferentPercent }: StagingParts): Staging {
  const inForce = (tenant: string, key: string): string | null => catalog.find(tenant, key)?.manifest.version ?? null;

  const noVersion = (key: string, version: string): MooringError => notFound("decoder version", `${key} ${version}`);

  /** Own versions are named by themselves, what a tenant would have without by null. */
  async function target(tenant: string, key: string, version: string): Promise<string | null> {
    const decoder = await catalog.version(tenant, key, version);
    if (decoder && ownerOf(decoder) === tenant) return version;
    const inherited = catalog.inherited(tenant, key);
    if (inherited?.manifest.version === version) return null;
    throw noVersion(key, version);
  }

  async function view(name: VersionName): Promise<StageView> {
    const report = await shadow.report(name);
    const findings = findingsOf(report, catalog.find(name.owner, name.key)?.id);
    const why = objection(findings, report?.run, maxDifferentPercent);
    const { version } = name;
    return { version, findings, ...(report && { report }), ...(why !== undefined && { objection: why }) };
  }

  async function switched(tenant: string, key: string, event: DecoderEvent, by: string): Promise<Activation> {
    const previous = inForce(tenant, key);
    const staged = catalog.record(tenant, key)?.state.staged;
    await catalog.step(tenant, key, event, by);
    const version = inForce(tenant, key);
    if (staged !== undefined && staged === version) {
      await shadow.end({ owner: tenant, key, version: staged }, "the version came into force");
    } else if (staged !== undefined) shadow.begin({ owner: tenant, key, version: staged });
    return { previous, version };
  }

  /** @throws MooringError CONFLICT */
  async function check(name: VersionName, maxDifferent: number): Promise<Findings> {
    const { findings, report } = await view(name);
    const why = objection(findings, report?.run, maxDifferent);
    if (why === undefined) return findings;
    const { key, version } = name;
    const message = `decoder ${key} ${version} is not activated: ${why} (force overrules)`;
    throw new MooringError("CONFLICT", message, { key, version, counts: findings });
  }

  return {
    async stage(tenant, key, body, by) {
      const { version, recorded } = readStageRequest(body, clock.now());
      const name = { owner: tenant, key, version };
      if ((await target(tenant, key, version)) === null) {
        throw new MooringError("CONFLICT", `decoder ${key} ${version} is not the tenant's own: it cannot be staged`, {
          key,
        });
      }
      const staged = catalog.record(tenant, key)?.state.staged;
      if (staged !== version) {
        await catalog.step(tenant, key, { kind: "stage", version }, by);
        if (staged !== undefined) await shadow.end({ ...name, version: staged }, "another version was staged");
        shadow.begin(name);
      }
      if (recorded) await shadow.run(name, recorded);
      return await view(name);
    },
    async unstage(tenant, key, by) {
      const staged = catalog.record(tenant, key)?.state.staged;
      await catalog.step(tenant, key, { kind: "unstage" }, by);
      if (staged !== undefined)
        await shadow.end({ owner: tenant, key, version: staged }, "the version is not staged any more");
    },
    async staged(tenant, key) {
      const version = catalog.record(tenant, key)?.state.staged;
      if (version !== undefined) return await view({ owner: tenant, key, version });
      throw new MooringError("NOT_FOUND", `decoder ${key} has no staged version`, { key });
    },
    async activate(tenant, key, body, by) {
      const { version: given, force = false, maxDifferent = maxDifferentPercent } = readActivateRequest(body);
      const version = given ?? catalog.record(tenant, key)?.state.staged;
      if (version === undefined) {
        throw invalid("version", "is missing, and no version is staged");
      }
      const name = { owner: tenant, key, version };
      const to = await target(tenant, key, version);
      const findings = force || to === null ? (await view(name)).findings : await check(name, maxDifferent);
      return { ...(await switched(tenant, key, { kind: "activate", version: to, forced: force }, by)), findings };
    },
    rollback: (tenant, key, by) => switched(tenant, key, { kind: "rollback" }, by),
  };
}
