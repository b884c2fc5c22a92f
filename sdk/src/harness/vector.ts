/** Test vectors of decoders: JSON files that hold payloads in hexadecimal and what shall become of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DecoderResult, type JsonSchema, MooringError } from "@mooring/core";
import { fromHex } from "@mooring/core/internal/base/bytes.ts";
import { compileSchema } from "@mooring/core/internal/base/schema.ts";

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

interface VectorFile extends Partial<Omit<Vector, "value">> {
  readonly name: string;
  readonly value: string;
  readonly result: DecoderResult;
}

/** Members that a file may leave out. */
const DEFAULTS = {
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "4711",
  device: {},
} as const;

const text: JsonSchema = { type: "string", minLength: 1 };
const checkVector = compileSchema<VectorFile>({
  type: "object",
  required: ["name", "value", "result"],
  additionalProperties: false,
  properties: {
    name: text,
    source: text,
    value: { type: "string", pattern: "^[0-9a-fA-F\\s]*$" },
    resourcePath: text,
    resourceType: text,
    receivedAt: text,
    sourceDeviceId: text,
    device: { type: "object" },
    result: { type: "object" },
  },
});

function toVector(value: unknown): Vector {
  const { value: hex, ...rest } = checkVector(value);
  return { ...DEFAULTS, ...rest, value: fromHex(hex.replace(/\s/g, "")) };
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
