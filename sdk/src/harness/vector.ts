/** Test vectors of decoders: JSON files that hold payloads in hexadecimal and what shall become of them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  checkDecoderVector,
  type DecoderResult,
  MooringError,
  messageOf,
  VECTOR_DEFAULTS,
  type VectorDocument,
} from "@mooring/core";
import { fromHex } from "@mooring/core/internal/base/bytes.ts";

/** One payload and its result. In a file: one vector, or an array of them. */
export interface Vector {
  readonly name: string;
  /** Where the bytes are from: document and section, or device and date of a recording. */
  readonly source?: string;
  readonly value: Uint8Array;
  readonly resourcePath: string;
  readonly resourceType: string;
  readonly receivedAt: string;
  readonly sourceDeviceId: string;
  readonly device: Readonly<Record<string, unknown>>;
  /** As the decoder returns it, after JSON. */
  readonly result: DecoderResult;
}

export function toVector({ value, ...rest }: VectorDocument): Vector {
  return { ...VECTOR_DEFAULTS, ...rest, value: fromHex(value.replace(/\s/g, "")) };
}

/** @throws MooringError VALIDATION or MALFORMED naming the file and, where it has one, the field */
function readVectorFile(folder: string, file: string): VectorDocument[] {
  try {
    const content: unknown = JSON.parse(readFileSync(join(folder, file), "utf8"));
    return [content].flat().map(checkDecoderVector);
  } catch (error) {
    const code = error instanceof MooringError ? error.code : "MALFORMED";
    throw new MooringError(code, `vector file ${file}: ${messageOf(error)}`, { file }, { cause: error });
  }
}

/**
 * All vectors of a folder's `*.json` files as they stand there, files in alphabetical order; none where there is no folder.
 * @throws MooringError VALIDATION, MALFORMED for a file that is none
 */
export function readVectorDocuments(folder: string): VectorDocument[] {
  const files = existsSync(folder) ? readdirSync(folder).filter(file => file.endsWith(".json")) : [];
  return files.sort().flatMap(file => readVectorFile(folder, file));
}

/** The same, their bytes read and what they leave out filled in. @throws MooringError as {@link readVectorDocuments}; NOT_FOUND where there is none */
export function readVectors(folder: string): Vector[] {
  const vectors = readVectorDocuments(folder);
  if (vectors.length > 0) return vectors.map(toVector);
  throw new MooringError("NOT_FOUND", `no vectors in ${folder}`, { folder });
}
