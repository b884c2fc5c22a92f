/** A decoder's test vector as JSON has it: a payload in hexadecimal and what shall become of it. */
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { DecoderResult } from "./decoder.ts";

/** In a file of `vectors/`: one of these, or an array of them. Absent members are those of `VECTOR_DEFAULTS`. */
export interface VectorDocument {
  readonly name: string;
  /** Where the bytes are from: document and section, or device and date of a recording. */
  readonly source?: string;
  /** Hexadecimal; blanks may stand anywhere. */
  readonly value: string;
  readonly resourcePath?: string;
  readonly resourceType?: string;
  /** ISO 8601. */
  readonly receivedAt?: string;
  readonly sourceDeviceId?: string;
  /** Fragments of the device that the manifest asks for. */
  readonly device?: Readonly<Record<string, unknown>>;
  /** As the decoder returns it, after JSON. */
  readonly result: DecoderResult;
}

export const VECTOR_DEFAULTS = {
  resourcePath: "/33456/0/123",
  resourceType: "OPAQUE",
  receivedAt: "2026-01-01T00:00:00.000Z",
  sourceDeviceId: "4711",
  device: {},
} as const;

const text: JsonSchema = { type: "string", minLength: 1 };

export const decoderVectorSchema: JsonSchema = {
  type: "object",
  required: ["name", "value", "result"],
  additionalProperties: false,
  properties: {
    name: text,
    source: text,
    value: {
      type: "string",
      pattern: "^\\s*([0-9a-fA-F]\\s*[0-9a-fA-F]\\s*)*$",
      patternRule: "must be bytes in hexadecimal, two digits each",
    },
    resourcePath: text,
    resourceType: text,
    receivedAt: text,
    sourceDeviceId: text,
    device: { type: "object" },
    result: { type: "object" },
  },
};

/** The result itself is not checked: it may be one that the contract refuses. @throws MooringError VALIDATION with `details {field, rule}` */
export const checkDecoderVector: (value: unknown) => VectorDocument =
  compileSchema<VectorDocument>(decoderVectorSchema);
