/**
 * A bootstrap session as states and events (LwM2M Core 1.1.1 section 6.1.7; agent specification 5): Discover, Deletes, Writes,
 * what is read back, Finish. Pure: bootstrap-session.ts sends what a state asks for and tells what came back.
 */
import { CODES, formatCode } from "../../coap/codes.ts";
import { formatPath, type Lwm2mPath } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import { isAtLeast, type Lwm2mVersion } from "../version.ts";
import { accessControlContent, type InstanceContent, securityContent, serverContent } from "./account-values.ts";
import type { BootstrapConfig } from "./bootstrap-config.ts";
import { type Discovered, NOTHING_DISCOVERED } from "./discovered.ts";
import { layOut } from "./instance-layout.ts";

/** One request to the device. */
export type BootstrapStep =
  | { readonly kind: "discover" | "delete" | "read"; readonly path: Lwm2mPath }
  | ({ readonly kind: "write" } & InstanceContent)
  | { readonly kind: "finish" };

export interface BootstrapFailure {
  /** What was asked: `/0/1`, `/bs` for the Finish; undefined where no request is to blame. */
  readonly path: string | undefined;
  /** The device's code, where it answered. */
  readonly code: number | undefined;
  readonly reason: string;
}

export type BootstrapState =
  /** The answer decides what is asked then. */
  | { readonly at: "discovering"; readonly step: BootstrapStep }
  | { readonly at: "asking"; readonly step: BootstrapStep; readonly rest: readonly BootstrapStep[] }
  | { readonly at: "done" }
  | { readonly at: "failed"; readonly failure: BootstrapFailure };

export type BootstrapEvent =
  | {
      readonly kind: "answered";
      readonly code: number;
      /** What the device said about an error. */
      readonly text?: string;
      /** With an answer to Discover. */
      readonly discovered?: Discovered;
      /** With an answer to Read. */
      readonly values?: readonly ResourceValue[];
    }
  /** Reset, or an answer that cannot be used. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Nothing came in time. */
  | { readonly kind: "silent" }
  /** The request could not be made. */
  | { readonly kind: "broken"; readonly reason: string };

export interface BootstrapPlan {
  readonly config: BootstrapConfig;
  /** Least LwM2M version that follows from the request itself; what the device states in Discover counts where it is newer. */
  readonly version: Lwm2mVersion | undefined;
}

/** Some clients of 1.1 and later state 1.0 in every Discover (Leshan's among them). */
export function knownVersion(
  { version }: Pick<BootstrapPlan, "version">,
  stated: Lwm2mVersion | undefined,
): Lwm2mVersion | undefined {
  if (version === undefined || stated === undefined) return stated ?? version;
  return isAtLeast(stated, version) ? stated : version;
}

/** "again": the same is asked once more in another form. */
export type Verdict = "passed" | "tolerated" | "again" | "failed";

interface Rule {
  /** Codes of success. */
  readonly passed: readonly number[];
  /** Other codes and refusals. Silence never passes: whoever does not answer one request will not answer the next. */
  readonly otherwise: "tolerated" | "failed";
}

const RULES: Readonly<Record<BootstrapStep["kind"], Rule>> = {
  // Devices of LwM2M 1.0 may not have it; the configured instances count then.
  discover: { passed: [CODES.CONTENT], otherwise: "tolerated" },
  // 4.04: there was nothing (field finding B2). Others: what is written next shows whether it did harm.
  delete: { passed: [CODES.DELETED, CODES.NOT_FOUND], otherwise: "tolerated" },
  write: { passed: [CODES.CHANGED, CODES.CREATED], otherwise: "failed" },
  read: { passed: [CODES.CONTENT], otherwise: "failed" },
  // 4.06 and all else: the device does not take its accounts for complete (field finding B5).
  finish: { passed: [CODES.CHANGED], otherwise: "failed" },
};

/** A refused Write that held empty resources is tried without them (field finding B4). */
const inAnotherForm = (step: BootstrapStep): BootstrapStep | undefined =>
  step.kind === "write" && step.withoutEmpty
    ? { kind: "write", path: step.path, values: step.withoutEmpty }
    : undefined;

/** What an event means to the step that it follows. */
export function judge(step: BootstrapStep, event: BootstrapEvent): Verdict {
  const rule = RULES[step.kind];
  if (event.kind === "silent" || event.kind === "broken") return "failed";
  if (event.kind === "answered" && rule.passed.includes(event.code)) return "passed";
  return inAnotherForm(step) ? "again" : rule.otherwise;
}

const FINISH_PATH = "/bs";

export const pathOfStep = (step: BootstrapStep): string =>
  step.kind === "finish" ? FINISH_PATH : formatPath(step.path);

const WORDS: Readonly<Record<BootstrapStep["kind"], string>> = {
  discover: "Discover",
  delete: "Delete",
  write: "Write",
  read: "Read",
  finish: "Finish",
};

/** `Write of /0/1 was answered 5.00: out of memory` */
export function describeOutcome(step: BootstrapStep, event: BootstrapEvent): string {
  const what = step.kind === "finish" ? WORDS.finish : `${WORDS[step.kind]} of ${pathOfStep(step)}`;
  switch (event.kind) {
    case "silent":
      return `${what} was not answered in time`;
    case "answered": {
      const inconsistent = step.kind === "finish" && event.code === CODES.NOT_ACCEPTABLE;
      const meaning = inconsistent ? ", the device finds its accounts incomplete or inconsistent" : "";
      return `${what} was answered ${formatCode(event.code)}${meaning}${event.text ? `: ${event.text}` : ""}`;
    }
    default:
      return `${what}: ${event.reason}`;
  }
}

/** After the Discover, or without one. Accounts first, then what refers to them. */
function stepsOf(plan: BootstrapPlan, discovered: Discovered): BootstrapStep[] {
  const { config } = plan;
  const version = knownVersion(plan, discovered.version);
  const accounts = layOut(config.security, discovered.bootstrapInstances);
  const writes = [
    ...accounts.map(account => securityContent(account, version)),
    ...config.servers.map(account => serverContent(account, version)),
    ...config.accessControl.map(accessControlContent),
  ];
  return [
    ...config.deletes.map(path => ({ kind: "delete" as const, path })),
    ...writes.map(content => ({ kind: "write" as const, ...content })),
    // The root cannot be read, but discovered (OMA 0).
    ...config.readBack.map(path => ({ kind: path.length === 0 ? ("discover" as const) : ("read" as const), path })),
    { kind: "finish" },
  ];
}

function asking([step, ...rest]: readonly BootstrapStep[]): BootstrapState {
  return step ? { at: "asking", step, rest } : { at: "done" };
}

const SECURITY_OBJECT: Lwm2mPath = [0];

export const beginBootstrap = (plan: BootstrapPlan): BootstrapState =>
  plan.config.discover
    ? { at: "discovering", step: { kind: "discover", path: SECURITY_OBJECT } }
    : asking(stepsOf(plan, NOTHING_DISCOVERED));

/** One step of a session. What comes after its end changes nothing. */
export function stepBootstrap(state: BootstrapState, event: BootstrapEvent, plan: BootstrapPlan): BootstrapState {
  if (state.at === "done" || state.at === "failed") return state;
  const { step } = state;
  const verdict = judge(step, event);
  if (verdict === "again") return { ...state, step: inAnotherForm(step) ?? step };
  if (verdict === "failed") {
    const code = event.kind === "answered" ? event.code : undefined;
    return { at: "failed", failure: { path: pathOfStep(step), code, reason: describeOutcome(step, event) } };
  }
  if (state.at === "asking") return asking(state.rest);
  return asking(stepsOf(plan, (event.kind === "answered" && event.discovered) || NOTHING_DISCOVERED));
}
