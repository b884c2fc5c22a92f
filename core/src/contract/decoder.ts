/**
 * The decoder contract: one pure function, bytes in, documents out. The same file runs in the sandbox, behind
 * `POST /decode` and in a partner's tests. Result members as in the agent specification 9.3.
 */

/** A fresh one for each payload. */
export interface DecoderInput {
  /** The resource's bytes (agent specification 9.3: integers 8 bytes big-endian, strings UTF-8, opaque unchanged ...). */
  readonly value: Uint8Array;
  /** The same in lower-case hexadecimal. */
  readonly valueHex: string;
  /** `/33456/0/123`, with the instance for a resource instance. */
  readonly resourcePath: string;
  /** Type of the resource (LwM2M Core 1.1.1 appendix C), as `OPAQUE`: says what `value` is made of. */
  readonly resourceType: string;
  /** When the host had it, ISO 8601: the time of what names none itself. */
  readonly receivedAt: string;
  /** Managed object id of the device. */
  readonly sourceDeviceId: string;
  /** The device's fragments that the manifest asked for. */
  readonly device: Readonly<Record<string, unknown>>;
}

/** One number: `<fragment>.<seriesName> = {value, unit}` of the measurement. */
export interface DecodedSeries {
  /** 1 to 256 characters. */
  readonly seriesName: string;
  /** For people, `°C`; at most 64 characters. */
  readonly unit?: string;
  /** Finite. */
  readonly value: number;
}

/** At most 100 in a result, each with at most 1000 values. */
export interface DecodedMeasurement {
  /** 1 to 256 characters. */
  readonly type: string;
  /** Fragment name; default: `type`. */
  readonly series?: string;
  /** ISO 8601, not before 1970; default: time of receipt. */
  readonly time?: string;
  readonly values: readonly DecodedSeries[];
  /** Fragments of the device's managed object that the measurement gets a copy of. */
  readonly fragmentsToCopyFromSourceDevice?: readonly string[];
  /** Only fragments of the device whose name begins so are copied: `IMEI` is looked for as `<prefix>IMEI`. */
  readonly deviceFragmentPrefix?: string | null;
  /** Where the device's name goes with `includeDeviceName`; default `device!Name`. */
  readonly deviceNameFragment?: string | null;
  readonly includeDeviceName?: boolean;
  /** Further top-level properties of the measurement. */
  readonly additionalProperties?: Readonly<Record<string, string>>;
}

/** Of one type there is one open alarm for a device: another one counts it up. At most 100 in a result. */
export interface DecodedAlarm {
  readonly type: string;
  readonly text: string;
  readonly severity: "CRITICAL" | "MAJOR" | "MINOR" | "WARNING";
  /** Default ACTIVE. */
  readonly status?: "ACTIVE" | "ACKNOWLEDGED" | "CLEARED";
  /** ISO 8601; default: time of receipt. */
  readonly time?: string;
  /** Whatever else the alarm shall hold. */
  readonly [fragment: string]: unknown;
}

/** At most 100 in a result. */
export interface DecodedEvent {
  readonly type: string;
  readonly text: string;
  /** ISO 8601; default: time of receipt. */
  readonly time?: string;
  /** Whatever else the event shall hold. */
  readonly [fragment: string]: unknown;
}

/** Last value of a resource, as the objects view shows it: one of `value` and `valueAsObject`. */
export interface DataFragment {
  /** Resource path, `/33456/0/124`. */
  readonly key: string;
  /** Read by the type of the resource. */
  readonly value?: string;
  readonly valueAsObject?: unknown;
}

/** After JSON at most 64 K characters, nested at most 16 deep. */
export interface DecoderResult {
  /** False: the payload cannot be read; it is kept with `message`, not tried again, and of the result alarms and events alone are stored. */
  readonly success: boolean;
  /** For people; stands beside the raw bytes. */
  readonly message?: string | null;
  readonly measurements?: readonly DecodedMeasurement[];
  readonly alarms?: readonly DecodedAlarm[];
  /** Open alarms of the device with these types get the status that they stand under. */
  readonly alarmTypesToUpdate?: Readonly<Partial<Record<"ACTIVE" | "ACKNOWLEDGED" | "CLEARED", readonly string[]>>>;
  readonly events?: readonly DecodedEvent[];
  readonly dataFragments?: readonly DataFragment[];
}

/** Default export of a decoder's source. */
export interface Decoder {
  /**
   * Pure: the same input gives the same result, whatever was decoded before; it returns the result itself, not a promise. What it throws is a
   * fault of the decoder: the payload is kept with the reason, and the device gets an alarm.
   */
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
  /** For people, 1 to 200 characters. */
  readonly name: string;
  /** Semantic version; what is uploaded under it never changes. */
  readonly version: string;
  /** Who is to be asked; decoders of one publisher share limits. */
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
