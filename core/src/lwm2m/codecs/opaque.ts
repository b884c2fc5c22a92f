/** Opaque (Content-Format 42): the bytes of one resource or resource instance (LwM2M Core 1.1.1 section 7.4.2). */
import { MooringError } from "../../base/errors.ts";
import { formatPath } from "../path.ts";
import type { ResourceValue } from "../resource-value.ts";
import { CONTENT_FORMAT, type Codec, type CodecContext } from "./codec.ts";
import { assertScalar } from "./scalar.ts";
import { assertSingle, onlyValue } from "./single.ts";

function decode(payload: Uint8Array, context: CodecContext): ResourceValue[] {
  const { path, declared } = assertSingle(context, CONTENT_FORMAT.OPAQUE);
  if (declared !== undefined && declared !== "OPAQUE") {
    throw new MooringError("VALUE_TYPE", `${formatPath(path)} is declared ${declared}, an opaque payload is none`, {
      path: formatPath(path),
      type: declared,
    });
  }
  return [{ path, type: "OPAQUE", value: payload }];
}

function encode(values: readonly ResourceValue[], context: CodecContext): Uint8Array {
  const { path, value } = onlyValue(values, context, CONTENT_FORMAT.OPAQUE);
  assertScalar(path, "OPAQUE", value);
  return value as Uint8Array;
}

/** Neither direction copies: the value is the payload. */
export const opaqueCodec: Codec = { contentFormat: CONTENT_FORMAT.OPAQUE, decode, encode };
