/** `npm run fuzz -- <target> [--count N] [--seed S]`: throws seeded bad input at one part and fails on the first broken promise. */
import { parseArgs } from "node:util";
import { fuzzCoap } from "./coap.ts";
import { fuzzCodecs } from "./codecs.ts";
import { fuzzDecoders } from "./decoders.ts";
import { fuzzDtls } from "./dtls.ts";

export interface FuzzOptions {
  readonly count: number;
  readonly seed: number;
}

export interface FuzzResult {
  /** One line of figures. */
  readonly summary: string;
  /** What did not hold; empty where all did. */
  readonly failures: readonly string[];
}

const TARGETS: Readonly<Record<string, (options: FuzzOptions) => Promise<FuzzResult>>> = {
  coap: fuzzCoap,
  codecs: fuzzCodecs,
  decoders: fuzzDecoders,
  dtls: fuzzDtls,
};

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { count: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
  });
  const [name = ""] = positionals;
  const fuzz = TARGETS[name];
  const options = { count: Number(values.count), seed: Number(values.seed) };
  if (!fuzz || !Number.isInteger(options.count) || options.count < 1 || !Number.isInteger(options.seed)) {
    console.error(`usage: npm run fuzz -- ${Object.keys(TARGETS).join("|")} [--count N] [--seed S]`);
    process.exitCode = 2;
    return;
  }
  const { summary, failures } = await fuzz(options);
  console.log(`fuzz ${name}: seed ${options.seed}, ${summary}`);
  for (const failure of failures) console.error(`fuzz ${name}: FAILED: ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

await main();
