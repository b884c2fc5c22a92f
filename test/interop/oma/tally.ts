/** What a run of tests says of OMA's cases. Pure. */
import { OMA_CASES, type OmaCase } from "./cases.ts";

export interface TestOutcome {
  /** Its own, without those of its suites. */
  readonly title: string;
  /** `pending`: skipped, its title or comment says why. */
  readonly state: "passed" | "failed" | "pending";
}

export interface OmaTally {
  /** Counted cases whose tests have all run and passed. */
  readonly passed: readonly OmaCase[];
  /** Counted cases with a test, of which one failed or was skipped. */
  readonly open: readonly OmaCase[];
  /** Counted cases without a test in this run. */
  readonly missing: readonly OmaCase[];
}

/** `OMA 301: notifications arrive` is 301. */
export function caseIdOf(title: string): number | undefined {
  const id = /^OMA (\d+): /.exec(title)?.[1];
  return id === undefined ? undefined : Number(id);
}

export function tallyCases(outcomes: readonly TestOutcome[], cases: readonly OmaCase[] = OMA_CASES): OmaTally {
  const counted = cases.filter(({ player }) => player !== undefined);
  const byId = Map.groupBy(outcomes, ({ title }) => caseIdOf(title));
  const hasRun = ({ id }: OmaCase): boolean => byId.has(id);
  const hasPassed = ({ id }: OmaCase): boolean => byId.get(id)!.every(({ state }) => state === "passed");
  const present = counted.filter(hasRun);
  return {
    passed: present.filter(hasPassed),
    open: present.filter(each => !hasPassed(each)),
    missing: counted.filter(each => !hasRun(each)),
  };
}

/** A line for each case that has not passed, and the count as the last one. */
export function tallyLines({ passed, open, missing }: OmaTally): string[] {
  const line = (why: string) => (each: OmaCase) => `OMA ${each.id} (${each.title}): ${why}`;
  return [
    ...open.map(line("has not passed")),
    ...missing.map(line("no test has run")),
    `OMA ${passed.length} of ${passed.length + open.length + missing.length}`,
  ];
}
