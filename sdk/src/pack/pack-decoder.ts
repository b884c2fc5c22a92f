/** From a decoder's folder to its package. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildDecoderPackage, type DecoderPackage } from "@mooring/core";
import { loadDecoderFolder } from "@mooring/core/internal/decoding/decoder-registry.ts";
import { readVectorDocuments } from "../harness/vector.ts";
import { bundleDecoder } from "./bundle.ts";

export interface PackOptions {
  /** PKCS #8 in PEM (Ed25519); without it the package is not signed. */
  readonly privateKey?: string;
  /** Takes the place of {@link bundleDecoder}. */
  readonly bundle?: typeof bundleDecoder;
}

/**
 * Packs `manifest.json`, `src/decoder.ts` or `.js` with all that it imports, and where they are there `vectors/*.json` and `README.md`.
 * @throws MooringError DECODER_INVALID naming the file and the rule; VALIDATION, TOO_LARGE as `buildDecoderPackage`
 */
export async function packDecoder(
  folder: string,
  { privateKey, bundle = bundleDecoder }: PackOptions = {},
): Promise<DecoderPackage> {
  const { manifest, source, language } = await loadDecoderFolder(folder, bundle);
  const vectors = readVectorDocuments(join(folder, "vectors"));
  const readme = join(folder, "README.md");
  return buildDecoderPackage({
    manifest,
    source: language === "typescript" ? await bundle(join(folder, "src", "decoder.ts")) : source,
    ...(vectors.length > 0 && { vectors }),
    ...(existsSync(readme) && { readme: await readFile(readme, "utf8") }),
    ...(privateKey !== undefined && { privateKey }),
  });
}
