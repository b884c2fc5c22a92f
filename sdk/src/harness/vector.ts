/** Test vectors of decoders: JSON files that hold payloads in hexadecimal and what shall become of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkDecoderVector, type DecoderResult, MooringError, VECTOR_DEFAULTS } from "@mooring/core";
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

function toVector(value: unknown): Vector {
  const { value: hex, ...rest } = checkDecoderVector(value);
  return { ...VECTOR_DEFAULTS, ...rest, value: fromHex(hex.replace(/\s/g, "")) };
}

/** @throws MooringError VALIDATION or MALFORMED naming the file and, where it has one, the field */
function readVectorFile(folder: string, file: string): Vector[] {
  try {
    const content: unknown = JSON.parse(readFileSync(join(folder, file), "utf8"));
    return (Array.isArray(content) ? content : [content]).map(toVector);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof MooringError ? error.code : "MALFORMED";
    throw new MooringError(code, `vector file ${file}: ${message}`, { file }, { cause: error });
  }
}

/**
 * All vectors of a folder's `*.json` files, files in alphabetical order.
 * @throws MooringError NOT_FOUND for a folder without any; VALIDATION, MALFORMED for a file that is none
 */
export function readVectors(folder: string): Vector[] {
  const files = readdirSync(folder).filter(file => file.endsWith(".json"));
  const vectors = files.sort().flatMap(file => readVectorFile(folder, file));
  if (vectors.length > 0) return vectors;
  throw new MooringError("NOT_FOUND", `no vectors in ${folder}`, { folder });
}
