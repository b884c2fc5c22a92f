/** A registration as an immutable value (LwM2M Core 1.1.1 section 6.2). Every change makes a new one. */
import type { Peer } from "../../transport/transport.ts";
import type { ObjectLink } from "../codecs/link-format.ts";
import type { DeviceSettings } from "./device-settings.ts";

export interface Registration {
  /** Location: `/rd/<id>`, 10 URL-safe characters. */
  readonly id: string;
  readonly endpoint: string;
  readonly tenant: string;
  /** Managed object id of the device. */
  readonly deviceId: string;
  readonly peer: Peer;
  /** LwM2M version as given, patch digit dropped: `1.0`, `1.1`, `1.2`. */
  readonly version: string;
  /** 0: without end. */
  readonly lifetimeSeconds: number;
  /** Binding as given, `U` by default. */
  readonly binding: string;
  readonly queueMode: boolean;
  /** Vendor query attribute `at`, ms: how long the device stays awake after a message. */
  readonly awakeTimeMs: number | undefined;
  readonly objectLinks: readonly ObjectLink[];
  /** Content-Formats that the device offered, in its order. */
  readonly contentFormats: readonly number[];
  /** Alternate root path, `/` by default. */
  readonly rootPath: string;
  /** The operator's settings for this device, as they were when it registered or were last changed. */
  readonly settings: DeviceSettings;
  readonly registeredAtMs: number;
  /** When a parameter last changed; the time of the last message is `Registrations.lastSeenMs`. */
  readonly updatedAtMs: number;
}
