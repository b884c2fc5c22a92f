/** What the formats of one single value (text, opaque, CBOR) have in common. */
import { MooringError } from "../../base/errors.ts";
import { formatPath, type Lwm2mPath } from "../path.ts";
import type { ResourceType, ResourceValue } from "../resource-value.ts";
import { type CodecContext, contentFormatName } from "./codec.ts";

/**
 * @returns the path and its declared type, undefined where no model knows the resource
 * @throws MooringError CONTENT_FORMAT_UNSUPPORTED where the path names more than one value
 */
export function assertSingle(
  { path, models }: CodecContext,
  contentFormat: number,
): { path: Lwm2mPath; declared: ResourceType | undefined } {
  if (path.length < 3) {
    throw new MooringError(
      "CONTENT_FORMAT_UNSUPPORTED",
      `${contentFormatName(contentFormat)} holds one resource, ${formatPath(path)} may have several`,
      { contentFormat, path: formatPath(path) },
    );
  }
  return { path, declared: models.resource(path[0]!, path[2]!)?.dataType };
}

/** @throws MooringError CONTENT_FORMAT_UNSUPPORTED unless there is one value, at the very path of the request */
export function onlyValue(
  values: readonly ResourceValue[],
  context: CodecContext,
  contentFormat: number,
): ResourceValue {
  const { path } = assertSingle(context, contentFormat);
  const [value] = values;
  if (value && values.length === 1 && formatPath(value.path) === formatPath(path)) return value;
  throw new MooringError(
    "CONTENT_FORMAT_UNSUPPORTED",
    `${contentFormatName(contentFormat)} holds one value, that of ${formatPath(path)}`,
    { contentFormat, path: formatPath(path), values: values.length },
  );
}
