import type { Decoder } from "@mooring/core";

/** Gives a decoder's parameters and result their types. */
export const defineDecoder = (decoder: Decoder): Decoder => decoder;
