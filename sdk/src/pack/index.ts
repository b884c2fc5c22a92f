export { bundleDecoder } from "./bundle.ts";
export { type PackOptions, packDecoder } from "./pack-decoder.ts";
