/** Lists of paths: what Read-Composite and Observe-Composite ask for (LwM2M Core 1.1.1 section 7.4.4: records of a name alone). */
import { MooringError } from "../../base/errors.ts";
import { formatPath, type Lwm2mPath } from "../path.ts";
import { CONTENT_FORMAT, contentFormatName } from "./codec.ts";
import type { OutgoingRecord } from "./senml.ts";
import { writeCborRecords } from "./senml-cbor.ts";
import { writeJsonRecords } from "./senml-json.ts";

const recordsOf = (paths: readonly Lwm2mPath[]): OutgoingRecord[] => paths.map(path => ({ n: formatPath(path) }));

const WRITERS: ReadonlyMap<number, (paths: readonly Lwm2mPath[]) => Uint8Array> = new Map([
  [CONTENT_FORMAT.SENML_CBOR, paths => writeCborRecords(recordsOf(paths))],
  [CONTENT_FORMAT.SENML_JSON, paths => writeJsonRecords(recordsOf(paths))],
]);

/** @throws MooringError CONTENT_FORMAT_UNSUPPORTED for a format that has no list of paths */
export function encodePathList(contentFormat: number, paths: readonly Lwm2mPath[]): Uint8Array {
  const write = WRITERS.get(contentFormat);
  if (write) return write(paths);
  throw new MooringError(
    "CONTENT_FORMAT_UNSUPPORTED",
    `Content-Format ${contentFormatName(contentFormat)} has no form for a list of paths`,
    { contentFormat },
  );
}
