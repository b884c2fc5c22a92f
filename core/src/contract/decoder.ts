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
}
