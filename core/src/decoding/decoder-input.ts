/** What a decoder is given of a kept payload. */
import type { DecoderManifest } from "../contract/decoder.ts";
import { formatTime } from "../platform/time.ts";
import type { RuntimeInput } from "../sandbox/decoder-runtime.ts";
import type { DecodedDevice } from "./decoded-effects.ts";
import type { RawPayload } from "./raw-payload.ts";

/** Of a device's fragments those that a decoder asks for. */
export const wantedFragments = (
  { deviceFragments = [] }: DecoderManifest,
  { fragments }: DecodedDevice,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    deviceFragments.filter(name => Object.hasOwn(fragments, name)).map(name => [name, fragments[name]]),
  );

/** @param device as it is now; asked for only where the decoder wants something of it */
export async function decoderInput(
  raw: RawPayload,
  manifest: DecoderManifest,
  device: () => Promise<DecodedDevice>,
): Promise<RuntimeInput> {
  const wantsDevice = (manifest.deviceFragments ?? []).length > 0;
  return {
    value: raw.bytes,
    resourcePath: raw.path,
    resourceType: raw.resourceType,
    receivedAt: formatTime(raw.atMs),
    sourceDeviceId: raw.deviceId,
    device: wantsDevice ? wantedFragments(manifest, await device()) : {},
  };
}
