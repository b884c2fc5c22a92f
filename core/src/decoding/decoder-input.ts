/** What a decoder is given of a kept payload. */
import type { DecoderManifest } from "../contract/decoder.ts";
import { formatTime } from "../platform/time.ts";
import type { RuntimeInput } from "../sandbox/decoder-runtime.ts";
import type { DecodedDevice } from "./decoded-effects.ts";
import type { RawPayload } from "./raw-payload.ts";

/** In the place of a device that is gone, or that nothing is wanted of. */
export const NO_DEVICE: DecodedDevice = { fragments: {} };

/** The device of a payload, as it is now. */
export type DeviceOf = (raw: Pick<RawPayload, "tenant" | "deviceId">) => Promise<DecodedDevice>;

export const deviceLookup =
  (find: (tenant: string, deviceId: string) => Promise<DecodedDevice | undefined>): DeviceOf =>
  async ({ tenant, deviceId }) =>
    (await find(tenant, deviceId)) ?? NO_DEVICE;

/** Of a device's fragments those that a decoder asks for. */
export const wantedFragments = (
  { deviceFragments = [] }: DecoderManifest,
  { fragments }: DecodedDevice,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    deviceFragments.filter(name => Object.hasOwn(fragments, name)).map(name => [name, fragments[name]]),
  );

/** @param deviceOf asked only where the decoder wants something of the device */
export async function decoderInput(
  raw: RawPayload,
  manifest: DecoderManifest,
  deviceOf: DeviceOf,
): Promise<RuntimeInput> {
  const wantsDevice = (manifest.deviceFragments ?? []).length > 0;
  return {
    value: raw.bytes,
    resourcePath: raw.path,
    resourceType: raw.resourceType,
    receivedAt: formatTime(raw.atMs),
    sourceDeviceId: raw.deviceId,
    device: wantsDevice ? wantedFragments(manifest, await deviceOf(raw)) : {},
  };
}
