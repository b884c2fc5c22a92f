/** For the source of decoders: ECMAScript alone, so that it runs in the sandbox once it is packed. */
export {
  type CborOptions,
  CborSimple,
  CborTag,
  type CborValue,
  cborFraction,
  cborName,
  plainCbor,
  readCbor,
  readCborItem,
  readCborSequence,
} from "./cbor.ts";
export { PayloadError } from "./payload-error.ts";
export { createReader, type Endian, type Reader } from "./reader.ts";
export {
  alarm,
  clearAlarms,
  type Details,
  event,
  lastValue,
  type MeasurementOptions,
  measurement,
  note,
  ok,
  orUndecodable,
  type ResultPart,
  type SeriesInput,
  type Time,
  undecodable,
} from "./result.ts";
export { decodeAscii, decodeUtf8, fromHex, toHex } from "./text.ts";
export {
  assertTime,
  type Collector,
  createCollector,
  Quantity,
  type Tree,
  type TreeOptions,
  timeMsOf,
  treeOptions,
  treeResult,
} from "./tree.ts";
