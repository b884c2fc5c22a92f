/** Runs a decoder's vectors in the sandbox and directly, and says in words what came out. */
import { SourceMap } from "node:module";
import { join } from "node:path";
import { type Decoder, type DecoderManifest, type DecoderResult, messageOf } from "@mooring/core";
import { loadDecoderFolder } from "@mooring/core/internal/decoding/decoder-registry.ts";
import type { DecodeFailureReason, DecoderSource } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { differences } from "../../harness/differences.ts";
import { inputOf, KEEPS_SOMETHING, seen } from "../../harness/run-vectors.ts";
import type { DecoderSandbox } from "../../harness/sandbox.ts";
import { readVectors, type Vector } from "../../harness/vector.ts";
import { bundleWithMap, type DecoderBundle } from "../../pack/bundle.ts";
import { indented, sideBySide } from "./side-by-side.ts";

export interface TestRun {
  readonly manifest: DecoderManifest;
  /** Not for scripts that the sandbox adapts. */
  readonly alsoDirectly: boolean;
  readonly passed: number;
  readonly failed: number;
  /** For people, one vector after the other. */
  readonly lines: readonly string[];
}

/** What is wrong with one vector, line by line; none: nothing. */
type Complaint = readonly string[];

interface Verdict {
  readonly complaint: Complaint;
  readonly printed: readonly string[];
  /** Of a payload that the sandbox had to stop: it would take this process with it. */
  readonly stopped: boolean;
}

const STOPPED: ReadonlySet<DecodeFailureReason> = new Set(["timeout", "memory", "hostDied", "unavailable"]);
const SHOWN_DIFFERENCES = 20;

function compare(vector: Vector, actual: DecoderResult): Complaint {
  let expected: DecoderResult;
  try {
    expected = seen(vector.result);
  } catch (error) {
    return [`the vector's own result: ${messageOf(error)}`];
  }
  const found = differences(expected, actual);
  const shown = found
    .slice(0, SHOWN_DIFFERENCES)
    .flatMap(({ member, expected: wanted, actual: got }) => sideBySide(member, { expected: wanted, actual: got }));
  const left = found.length - SHOWN_DIFFERENCES;
  return left > 0 ? [...shown, `and ${left} more`] : shown;
}

async function inSandbox(sandbox: DecoderSandbox, vector: Vector): Promise<Verdict> {
  const outcome = await sandbox.decode(inputOf(vector));
  const { console: printed = [] } = outcome;
  if (!outcome.ok) {
    return { complaint: [`${outcome.reason}: ${outcome.message}`], printed, stopped: STOPPED.has(outcome.reason) };
  }
  const complaint = compare(vector, outcome.result);
  const again = await sandbox.decode(inputOf(vector));
  const same = again.ok && differences(outcome.result, again.result).length === 0;
  return { complaint: same ? complaint : [...complaint, KEEPS_SOMETHING], printed, stopped: false };
}

/** `src/units.ts:12`, of the first line of a stack that is the decoder's. */
function placeIn({ map }: DecoderBundle, error: unknown): string | undefined {
  const found = /data:text\/javascript[^)\s]*:(\d+):(\d+)/.exec((error as Error).stack ?? "");
  if (!found) return undefined;
  const entry = new SourceMap(map).findEntry(Number(found[1]) - 1, Number(found[2]) - 1);
  return "originalSource" in entry ? `${join("src", entry.originalSource)}:${entry.originalLine + 1}` : undefined;
}

/** What it prints, the sandbox has told already. */
function silently<T>(run: () => T): T {
  const { console } = globalThis;
  globalThis.console = new Proxy(console, { get: () => () => {} });
  try {
    return run();
  } finally {
    globalThis.console = console;
  }
}

function directly(decoder: Decoder, bundle: DecoderBundle, vector: Vector): Complaint {
  let result: unknown;
  try {
    result = silently(() => decoder.decode(inputOf(vector)));
  } catch (error) {
    const place = placeIn(bundle, error);
    return [`threw: ${String(error)}${place === undefined ? "" : ` (${place})`}`];
  }
  try {
    return compare(vector, seen(result));
  } catch (error) {
    return [`invalidResult: ${messageOf(error)}`];
  }
}

/** Where both say the same, it is said once; of what was thrown, the place is known directly only. */
function told(sandboxed: Complaint, direct: Complaint | undefined): string[] {
  const [first = ""] = direct ?? [];
  if (direct === undefined || sandboxed.join() === direct.join()) return indented(sandboxed, 8);
  if (sandboxed[0]?.startsWith("threw") && first.startsWith("threw")) return indented(direct, 8);
  const of = (where: string, complaint: Complaint): string[] =>
    complaint.length === 0 ? [`${where}: as expected`] : [`${where}:`, ...complaint.map(line => `  ${line}`)];
  return indented([...of("in the sandbox", sandboxed), ...of("directly", direct)], 8);
}

interface Loaded {
  readonly manifest: DecoderManifest;
  /** Absent for scripts that the sandbox adapts. */
  readonly bundle?: DecoderBundle;
}

/** @throws MooringError DECODER_INVALID naming file and rule */
async function load(folder: string, sandbox: DecoderSandbox, bundler: typeof bundleWithMap): Promise<Loaded> {
  const source = await loadDecoderFolder(folder);
  const { manifest, language } = source;
  if ((manifest.format ?? "mooring") !== "mooring") {
    await sandbox.load(source);
    return { manifest };
  }
  const bundle = await bundler(join(folder, "src", language === "typescript" ? "decoder.ts" : "decoder.js"));
  await sandbox.load({ manifest, source: bundle.code, language: "javascript" });
  return { manifest, bundle };
}

/** What the sandbox took cannot harm here: it has a `decode`, and ran at once. */
async function importBundle({ code }: DecoderBundle): Promise<Decoder> {
  const url = `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
  return ((await import(url)) as { readonly default: Decoder }).default;
}

type Direct = (vector: Vector) => Complaint;

async function runVectors(
  [manifest, vectors]: readonly [DecoderManifest, readonly Vector[]],
  sandbox: DecoderSandbox,
  direct?: Direct,
): Promise<TestRun> {
  const lines: string[] = [];
  let failed = 0;
  for (const vector of vectors) {
    const { complaint, printed, stopped } = await inSandbox(sandbox, vector);
    const second = stopped ? undefined : direct?.(vector);
    const isGood = complaint.length === 0 && (second?.length ?? 0) === 0;
    if (!isGood) failed++;
    lines.push(`  ${isGood ? "ok  " : "FAIL"}  ${vector.name}`, ...told(complaint, second));
    lines.push(
      ...indented(
        printed.map(line => `> ${line}`),
        8,
      ),
    );
  }
  return { manifest, alsoDirectly: direct !== undefined, passed: vectors.length - failed, failed, lines };
}

export interface TestOptions {
  /** Leaves out the run without sandbox, which tells the line where something was thrown. */
  readonly sandboxOnly?: boolean;
  /** Where it is bundled already. */
  readonly bundle?: typeof bundleWithMap;
}

/** @throws MooringError DECODER_INVALID, VALIDATION, MALFORMED, NOT_FOUND naming file and rule */
export async function testDecoder(
  folder: string,
  sandbox: DecoderSandbox,
  { sandboxOnly = false, bundle: bundler = bundleWithMap }: TestOptions,
): Promise<TestRun> {
  const vectors = readVectors(join(folder, "vectors"));
  const { manifest, bundle } = await load(folder, sandbox, bundler);
  if (bundle === undefined || sandboxOnly) return runVectors([manifest, vectors], sandbox);
  const decoder = await importBundle(bundle);
  return runVectors([manifest, vectors], sandbox, vector => directly(decoder, bundle, vector));
}

/** Of a source that is packed, in the sandbox. @throws MooringError DECODER_INVALID */
export async function testSource(
  source: DecoderSource,
  vectors: readonly Vector[],
  sandbox: DecoderSandbox,
): Promise<TestRun> {
  await sandbox.load(source);
  return runVectors([source.manifest, vectors], sandbox);
}

/** For people, as all commands that run vectors tell it. */
export function report({ manifest, alsoDirectly, lines, passed, failed }: TestRun, tookMs: number): string {
  const where = alsoDirectly ? "in the sandbox and directly" : "in the sandbox";
  const heading = `${manifest.key} ${manifest.version}, ${where}:`;
  return [heading, ...lines, `${passed} passed, ${failed} failed, in ${Math.round(tookMs)} ms`].join("\n");
}
