/**
 * Frames of __NAME__, big-endian: u16 volts x 10, i16 degrees Celsius x 100. Name the document that describes them here.
 * The host runs this file in a sandbox that has ECMAScript alone: no Node, no files, no network.
 */
import { defineDecoder } from "@mooring/sdk";
import { createReader, measurement, ok, orUndecodable } from "@mooring/sdk/bytes";

export default defineDecoder({
  // What the reader finds wrong with a payload becomes `{ success: false, message }`.
  decode: orUndecodable(({ value }) => {
    const frame = createReader(value);
    const volts = frame.u16() / 10;
    const celsius = frame.i16() / 100;
    frame.end();
    return ok(measurement("__TYPE__", { U: [volts, "V"], T: [celsius, "°C"] }));
  }),
});
