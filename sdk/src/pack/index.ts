export { bundleDecoder, bundleWithMap, type DecoderBundle } from "./bundle.ts";
export { cachedBundle } from "./bundle-cache.ts";
export { type PackOptions, packDecoder } from "./pack-decoder.ts";
