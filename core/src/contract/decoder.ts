/**
 * The decoder contract: one pure function, bytes in, documents out. The same file runs in the sandbox, behind
 * `POST /decode` and in a partner's tests. Result members as in the agent specification 9.3.
 */

export interface DecoderInput {
  /** The resource's bytes (agent specification 9.3: integers 8 bytes big-endian, strings UTF-8, opaque unchanged ...). */
  readonly value: Uint8Array;
  /** The same in lower-case hexadecimal. */
  readonly valueHex: string;
  /** `/33456/0/123`, with the instance for a resource instance. */
  readonly resourcePath: string;
  readonly resourceType: string;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly sourceDeviceId: string;
  /** The device's fragments that the manifest asked for. */
  readonly device: Readonly<Record<string, unknown>>;
}

export interface DecodedSeries {
  readonly seriesName: string;
  readonly unit?: string;
  readonly value: number;
}

export interface DecodedMeasurement {
  readonly type: string;
  /** Fragment name; default: `type`. */
  readonly series?: string;
  /** ISO 8601; default: time of receipt. */
  readonly time?: string;
  readonly values: readonly DecodedSeries[];
  readonly fragmentsToCopyFromSourceDevice?: readonly string[];
  readonly deviceFragmentPrefix?: string | null;
  readonly deviceNameFragment?: string | null;
  readonly includeDeviceName?: boolean;
  readonly additionalProperties?: Readonly<Record<string, string>>;
}

export interface DecodedAlarm {
  readonly type: string;
  readonly text: string;
  readonly severity: "CRITICAL" | "MAJOR" | "MINOR" | "WARNING";
  readonly status?: "ACTIVE" | "ACKNOWLEDGED" | "CLEARED";
  readonly time?: string;
  readonly [fragment: string]: unknown;
}

export interface DecodedEvent {
  readonly type: string;
  readonly text: string;
  readonly time?: string;
  readonly [fragment: string]: unknown;
}

export interface DataFragment {
  /** Resource path. */
  readonly key: string;
  readonly value?: string;
  readonly valueAsObject?: unknown;
}

export interface DecoderResult {
  readonly success: boolean;
  readonly message?: string | null;
  readonly measurements?: readonly DecodedMeasurement[];
  readonly alarms?: readonly DecodedAlarm[];
  readonly alarmTypesToUpdate?: Readonly<Partial<Record<"ACTIVE" | "ACKNOWLEDGED" | "CLEARED", readonly string[]>>>;
  readonly events?: readonly DecodedEvent[];
  readonly dataFragments?: readonly DataFragment[];
}

export interface Decoder {
  decode(input: DecoderInput): DecoderResult;
}

/**
 * How a decoder's source is written. `mooring`: an ES module whose default export is a {@link Decoder}. `chirpstack-v4`,
 * `ttn-v3`: a script with `function decodeUplink(input)` as ChirpStack 4 and The Things Stack 3 take it, unchanged
 * (`sandbox/uplink-script.ts`).
 */
export type DecoderFormat = "mooring" | "chirpstack-v4" | "ttn-v3";

/** What a network server would tell a script with `decodeUplink`, and what its numbers are called here. */
export interface UplinkOptions {
  /** `input.fPort` where nothing below says otherwise, 0 to 255; default 1. */
  readonly fPort?: number;
  /** `input.fPort` by resource path (`/33456/0/123`, instance `*` for any); the first that fits. */
  readonly fPorts?: Readonly<Record<string, number>>;
  /** `input.variables` (ChirpStack). */
  readonly variables?: Readonly<Record<string, string>>;
  /** Type of measurements and events, and first part of the names of fragments; default: the manifest's key. */
  readonly measurementType?: string;
  /** Units by the path of a value in `data` (`air.temperature`; `*` for any place in an array). A text at such a path is read as a number. */
  readonly units?: Readonly<Record<string, string>>;
}

/** `manifest.json` beside the source. */
export interface DecoderManifest {
  /** `[a-z0-9-]{1,64}`: the action is shown as `decoder:<key>`. */
  readonly key: string;
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  readonly publisher?: string;
  /** Managed object fragments that `input.device` shall hold. */
  readonly deviceFragments?: readonly string[];
  /** Paths that it is made for (`/33456/0/123`, instance `*` for any); information for operators. */
  readonly resources?: readonly string[];
  /** Default `mooring`. */
  readonly format?: DecoderFormat;
  /** For scripts with `decodeUplink`. */
  readonly uplink?: UplinkOptions;
}
