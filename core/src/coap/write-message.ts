/** From the values that the layers above see to options in ascending order. */
import { EMPTY_BYTES, encodeUtf8 } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import { type Block, encodeBlock } from "./block-option.ts";
import type { CoapOption } from "./message.ts";
import { definitionOf, OPTIONS } from "./options.ts";
import type { CoapRequest, CoapResponse } from "./request.ts";

/** Options that the layers of this folder add by themselves. */
export interface ControlOptions {
  readonly observe?: number;
  readonly block1?: Block;
  readonly block2?: Block;
  readonly size1?: number;
  readonly size2?: number;
}

const NO_OPTIONS: readonly CoapOption[] = [];

/** Shortest form of an unsigned number up to 2^32 - 1; zero has no bytes (RFC 7252 section 3.2). */
export function encodeUint(value: number): Uint8Array {
  if (value === 0) return EMPTY_BYTES;
  if (value < 0x100) return Uint8Array.of(value);
  if (value < 0x10000) return Uint8Array.of(value >> 8, value & 0xff);
  if (value < 0x1000000) return Uint8Array.of(value >> 16, (value >> 8) & 0xff, value & 0xff);
  return Uint8Array.of(value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}

function addUint(options: CoapOption[], number: number, value: number | undefined): void {
  if (value !== undefined) options.push({ number, value: encodeUint(value) });
}

function addBlock(options: CoapOption[], number: number, block: Block | undefined): void {
  if (block) options.push({ number, value: encodeUint(encodeBlock(block)) });
}

/** @throws MooringError MESSAGE_FORMAT for a text that is longer than the option may be */
function addTexts(options: CoapOption[], number: number, texts: readonly string[]): void {
  for (const text of texts) {
    const value = encodeUtf8(text);
    const definition = definitionOf(number)!;
    if (value.length > definition.maxBytes) {
      throw new MooringError("MESSAGE_FORMAT", `${definition.name} of ${value.length} bytes is longer than 255`, {
        option: definition.name,
        length: value.length,
      });
    }
    options.push({ number, value });
  }
}

/** @throws MooringError MESSAGE_FORMAT for a path segment or query that is too long */
export function requestOptions(request: Omit<CoapRequest, "payload">, control: ControlOptions): CoapOption[] {
  const options: CoapOption[] = [];
  addUint(options, OPTIONS.OBSERVE, control.observe);
  addTexts(options, OPTIONS.URI_PATH, request.path);
  addUint(options, OPTIONS.CONTENT_FORMAT, request.contentFormat);
  addTexts(options, OPTIONS.URI_QUERY, request.query);
  addUint(options, OPTIONS.ACCEPT, request.accept);
  addBlock(options, OPTIONS.BLOCK2, control.block2);
  addBlock(options, OPTIONS.BLOCK1, control.block1);
  addUint(options, OPTIONS.SIZE1, control.size1);
  if (request.options) options.push(...request.options);
  return options;
}

/** @throws MooringError MESSAGE_FORMAT for a Location-Path segment that is too long */
export function responseOptions(response: CoapResponse, control: ControlOptions = {}): readonly CoapOption[] {
  const options: CoapOption[] = [];
  if (response.etag) options.push({ number: OPTIONS.ETAG, value: response.etag });
  if (response.locationPath) addTexts(options, OPTIONS.LOCATION_PATH, response.locationPath);
  addUint(options, OPTIONS.CONTENT_FORMAT, response.contentFormat);
  addUint(options, OPTIONS.MAX_AGE, response.maxAgeSeconds);
  addBlock(options, OPTIONS.BLOCK2, control.block2);
  addBlock(options, OPTIONS.BLOCK1, control.block1);
  addUint(options, OPTIONS.SIZE2, control.size2);
  addUint(options, OPTIONS.SIZE1, control.size1);
  if (response.options) options.push(...response.options);
  return options.length > 0 ? options : NO_OPTIONS;
}
