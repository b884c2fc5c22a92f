export { bundleDecoder, bundleWithMap, type DecoderBundle } from "./bundle.ts";
export { type PackOptions, packDecoder } from "./pack-decoder.ts";
