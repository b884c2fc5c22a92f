/** Jobs of `mooring decoder redecode`, in words. */
import { table } from "./rest.ts";
import { indented, sideBySide } from "./side-by-side.ts";

interface Difference {
  /** `measurement 0` */
  readonly document: string;
  readonly member: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

interface OfPayload {
  readonly deviceId: string;
  readonly path: string;
  readonly time: string;
  readonly outcome: string;
}

interface LateChanges {
  readonly alarms: {
    readonly raised: number;
    readonly cleared: number;
    readonly left: Readonly<Record<string, number>>;
    readonly samples: readonly (OfPayload & { readonly type: string })[];
  };
  readonly lastValues: Readonly<Record<"added" | "changed" | "equal" | "older", number>> & {
    readonly samples: readonly (OfPayload & {
      readonly resource: string;
      readonly before?: unknown;
      readonly after?: unknown;
    })[];
  };
}

/** A host of an earlier version tells nothing of alarms and last values. */
export interface Job extends Partial<LateChanges> {
  readonly id: string;
  readonly version: string;
  readonly state: string;
  readonly apply: boolean;
  readonly owner?: string;
  readonly creationTime?: string;
  readonly reason?: string;
  readonly waitsFor?: string;
  readonly payloads: Readonly<Record<string, number>>;
  readonly documents: Readonly<Record<string, number>>;
  readonly samples: readonly (OfPayload & {
    readonly value: string;
    readonly message?: string;
    readonly differences: readonly Difference[];
  })[];
  readonly contentHash: string;
}

const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");

const differenceLines = ({ document, member, before, after }: Difference): string[] =>
  indented(sideBySide(`${document}: ${member}`, { before, after }), 6);

/** Why alarms are left as they are. */
const LEFT: Readonly<Record<string, string>> = {
  open: "open already, which decoding again never rewrites",
  unmade: "open, and this version does not raise them: clear them where they are wrong",
  done: "said by their payload before",
  older: "of payloads that a newer one of the path follows",
  maintenance: "not raised, the device is in maintenance",
  notOpen: "to be cleared, none is open",
};

const ofPayload = ({ outcome, path, deviceId, time }: OfPayload): string =>
  `${outcome}: ${path} of ${deviceId} at ${time}`;

function alarmLines({ raised, cleared, left, samples }: LateChanges["alarms"]): string[] {
  return [
    `alarms: ${counted({ raised, cleared })}`,
    ...Object.entries(left).flatMap(([why, count]) => (count > 0 ? [`  left: ${count} ${LEFT[why] ?? why}`] : [])),
    ...samples.map(sample => `  ${ofPayload(sample)}: ${sample.type}`),
  ];
}

function lastValueLines({ samples, ...counts }: LateChanges["lastValues"]): string[] {
  return [
    `last values: ${counted(counts)}`,
    ...samples.flatMap(({ resource, before, after, ...of }) => [
      `  ${ofPayload(of)}`,
      ...indented(sideBySide(resource, of.outcome === "older" ? { stays: before } : { before, after }), 6),
    ]),
  ];
}

export function jobLines(key: string, job: Job): string[] {
  const { id, version, state, apply, reason, payloads, documents, samples, alarms, lastValues, contentHash } = job;
  return [
    `job ${id}: ${key} ${version}, ${apply ? "applied" : "what would change"}: ${state}${reason === undefined ? "" : `: ${reason}`}`,
    `payloads: ${counted(payloads)}`,
    `documents: ${counted(documents)}`,
    ...samples.flatMap(({ value, message, differences, ...of }) => [
      `  ${ofPayload(of)}: ${value}${message === undefined ? "" : ` (${message})`}`,
      ...differences.flatMap(differenceLines),
    ]),
    ...(alarms ? alarmLines(alarms) : []),
    ...(lastValues ? lastValueLines(lastValues) : []),
    `content hash: ${contentHash}`,
  ];
}

/** @param jobs of one decoder, newest first */
export function jobTable(jobs: readonly Job[]): string {
  const rows = jobs.map(
    ({ id, version, apply, state, creationTime = "-", owner = "-", payloads, reason, waitsFor }) => {
      const { read = 0, changed = 0, recovered = 0 } = payloads;
      const why = reason ?? (state === "RUNNING" && waitsFor !== undefined ? `waits for ${waitsFor}` : "");
      return [id, version, apply ? "yes" : "no", state, creationTime, owner, `${read}`, `${changed + recovered}`, why];
    },
  );
  return table([["JOB", "VERSION", "APPLY", "STATE", "BEGUN", "BY", "PAYLOADS", "CHANGED", "WHY"], ...rows]);
}
