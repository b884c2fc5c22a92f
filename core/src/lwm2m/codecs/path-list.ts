/**
 * Lists of paths: what Read-Composite and Observe-Composite ask for. SenML records of a name alone (LwM2M Core 1.1.1 section
 * 6.3.8), which is also the Fetch Pack of SenML-ETCH (RFC 8790 section 3.1, from LwM2M 1.2). LwM2M CBOR has none.
 */
import { MooringError } from "../../base/errors.ts";
import type { Lwm2mPath } from "../path.ts";
import { CONTENT_FORMAT, type CodecContext, contentFormatName } from "./codec.ts";
import { nameOf, type OutgoingRecord } from "./senml.ts";
import { writeCborRecords } from "./senml-cbor.ts";
import { writeJsonRecords } from "./senml-json.ts";

const WRITERS: ReadonlyMap<number, (records: readonly OutgoingRecord[]) => Uint8Array> = new Map([
  [CONTENT_FORMAT.SENML_CBOR, writeCborRecords],
  [CONTENT_FORMAT.SENML_JSON, writeJsonRecords],
  [CONTENT_FORMAT.SENML_ETCH_CBOR, writeCborRecords],
  [CONTENT_FORMAT.SENML_ETCH_JSON, writeJsonRecords],
]);

/** @throws MooringError CONTENT_FORMAT_UNSUPPORTED for a format that has no list of paths */
export function encodePathList(
  contentFormat: number,
  paths: readonly Lwm2mPath[],
  context: Pick<CodecContext, "rootPath" | "writesRoot">,
): Uint8Array {
  const write = WRITERS.get(contentFormat);
  if (write) return write(paths.map(path => ({ n: nameOf(path, context) })));
  throw new MooringError(
    "CONTENT_FORMAT_UNSUPPORTED",
    `Content-Format ${contentFormatName(contentFormat)} has no form for a list of paths`,
    { contentFormat },
  );
}
