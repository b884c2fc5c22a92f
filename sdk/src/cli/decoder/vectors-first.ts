/** What a decoder's vectors say before it goes anywhere: `decoder pack`, `deploy` and `stage` begin with them. */
import { join } from "node:path";
import type { DecoderSource } from "@mooring/core/internal/sandbox/decoder-runtime.ts";
import { type DecoderSandbox, openDecoderSandbox } from "../../harness/sandbox.ts";
import { readVectorDocuments, type Vector } from "../../harness/vector.ts";
import { bundleWithMap } from "../../pack/bundle.ts";
import { type CliCall, CliError, type CliOption, EXIT } from "../command.ts";
import { say } from "../io.ts";
import { next, watchStep } from "./folder.ts";
import { report, type TestRun, testDecoder, testSource } from "./test-decoder.ts";

export const NO_TEST_OPTION: CliOption = {
  type: "boolean",
  summary: "Does not run its vectors; without it they must pass, as for mooring decoder test",
};

interface Steps {
  /** What is left undone where one fails: `not packed`. */
  readonly undone: string;
  /** What to do then. */
  readonly mend: string;
}

/** @throws CliError with what failed, in the words and with the exit code of `decoder test` */
async function mustPass(
  { io }: Pick<CliCall, "io">,
  test: (sandbox: DecoderSandbox) => Promise<TestRun>,
  { undone, mend }: Steps,
): Promise<void> {
  const startedAt = io.now();
  await using sandbox = await openDecoderSandbox();
  const ran = await test(sandbox);
  const { manifest, passed, failed } = ran;
  if (failed === 0) return say(io.errors, `${manifest.key} ${manifest.version}: ${passed} vectors passed`);
  const told = report(ran, io.now() - startedAt);
  throw new CliError(EXIT.failed, [told, `${undone}: --no-test leaves the vectors out`, next(mend)].join("\n"));
}

/** Said, and gone on from. */
export const untested = ({ io }: Pick<CliCall, "io">, why: string): void => say(io.errors, `${why}: nothing is tested`);

/** @throws CliError, MooringError as {@link testDecoder} */
export async function testFolderFirst(
  folder: string,
  call: CliCall,
  undone: string,
  bundle = bundleWithMap,
): Promise<void> {
  if (call.flag("no-test")) return;
  if (readVectorDocuments(join(folder, "vectors")).length === 0) return untested(call, "there are no vectors");
  await mustPass(call, sandbox => testDecoder(folder, sandbox, { bundle }), { undone, mend: watchStep(folder) });
}

/** The same for a source that is packed. @throws CliError, MooringError as {@link testSource} */
export async function testSourceFirst(
  source: DecoderSource,
  vectors: readonly Vector[],
  call: CliCall,
  steps: Steps,
): Promise<void> {
  if (call.flag("no-test")) return;
  if (vectors.length === 0) return untested(call, "there are no vectors");
  await mustPass(call, sandbox => testSource(source, vectors, sandbox), steps);
}
