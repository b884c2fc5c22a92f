/**
 * Frames of the ACME meter (README.md describes them byte by byte). The host runs this file in a sandbox: it imports types
 * only, and uses nothing but ECMAScript.
 */
import type {
  DataFragment,
  DecodedAlarm,
  DecodedEvent,
  DecodedMeasurement,
  Decoder,
  DecoderResult,
} from "@mooring/sdk";

const TYPE = "acme_meter";
/** First byte of a frame of the second generation; the first generation has no head, only a length. */
const MAGIC = 0xac;
const VERSION = 2;
const FIRST_GENERATION_BYTES = 4;
const FLAG = { alarms: 0x01, time: 0x02, temperature: 0x04 } as const;
const KNOWN_FLAGS = FLAG.alarms | FLAG.time | FLAG.temperature;

interface Quantity {
  readonly name: string;
  readonly unit: string;
  readonly signed: boolean;
}

/** Quantity codes of readings and profiles. */
const QUANTITIES: Readonly<Record<number, Quantity>> = {
  1: { name: "U", unit: "V", signed: false },
  2: { name: "I", unit: "A", signed: false },
  3: { name: "P", unit: "W", signed: true },
  4: { name: "E", unit: "Wh", signed: false },
  5: { name: "f", unit: "Hz", signed: false },
  6: { name: "cosPhi", unit: "", signed: true },
};

/** Alarm bits, lowest first. */
const ALARMS: readonly Pick<DecodedAlarm, "type" | "text" | "severity">[] = [
  { type: "acme_Tamper", text: "The meter's cover was opened", severity: "CRITICAL" },
  { type: "acme_BatteryLow", text: "The meter's battery is low", severity: "MAJOR" },
  { type: "acme_Overvoltage", text: "Voltage above its limit", severity: "MINOR" },
  { type: "acme_ReverseFlow", text: "Energy flows backwards", severity: "WARNING" },
];

/** Reasons of status records. */
const STATUS: Readonly<Record<number, string>> = {
  1: "Power restored",
  2: "Clock set",
  3: "Firmware changed",
};

/** What is wrong with a frame. It is caught below and becomes `success: false`. */
class BadFrame extends Error {}

interface Reader {
  readonly left: number;
  u8(): number;
  i8(): number;
  u16(): number;
  i16(): number;
  u32(): number;
  i32(): number;
  bytes(length: number): Uint8Array;
}

/** Reads big-endian numbers one after the other. @throws BadFrame past the end */
function reader(bytes: Uint8Array): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const next = (length: number): number => {
    if (at + length > bytes.length) throw new BadFrame(`frame ends at byte ${bytes.length}, within a value`);
    at += length;
    return at - length;
  };
  return {
    get left() {
      return bytes.length - at;
    },
    u8: () => view.getUint8(next(1)),
    i8: () => view.getInt8(next(1)),
    u16: () => view.getUint16(next(2)),
    i16: () => view.getInt16(next(2)),
    u32: () => view.getUint32(next(4)),
    i32: () => view.getInt32(next(4)),
    bytes(length) {
      const from = next(length);
      return bytes.subarray(from, from + length);
    },
  };
}

/** CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xffff, not reflected. */
function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

/** Binary coded decimal: one digit in each half byte. */
function bcd(bytes: Uint8Array): string {
  let digits = "";
  for (const byte of bytes) digits += byte.toString(16).padStart(2, "0");
  if (!/^\d*$/.test(digits)) throw new BadFrame(`serial number ${digits} is not binary coded decimal`);
  return digits;
}

/** `raw` x 10^`scale`; dividing keeps 2301 x 10^-1 at 230.1. */
const scaled = (raw: number, scale: number): number => (scale < 0 ? raw / 10 ** -scale : raw * 10 ** scale);

function readScale(frame: Reader): number {
  const scale = frame.i8();
  if (scale < -9 || scale > 9) throw new BadFrame(`scale ${scale} is outside of -9 to 9`);
  return scale;
}

/** What the head of a frame says, whatever its body is. */
interface Head {
  readonly record: number;
  readonly serial: string;
  readonly time: string | undefined;
  readonly celsius: number | undefined;
  readonly alarmBits: number | undefined;
}

function readHead(frame: Reader): Head {
  if (frame.u8() !== MAGIC) throw new BadFrame("neither a frame of 4 bytes nor one that begins with ac");
  const versionAndRecord = frame.u8();
  if (versionAndRecord >> 4 !== VERSION) throw new BadFrame(`version ${versionAndRecord >> 4} is not known`);
  const flags = frame.u8();
  if (flags & ~KNOWN_FLAGS) throw new BadFrame(`flags ${flags.toString(16)} are not known`);
  const serial = bcd(frame.bytes(4));
  const time = flags & FLAG.time ? new Date(frame.u32() * 1000).toISOString() : undefined;
  const celsius = flags & FLAG.temperature ? frame.i16() / 100 : undefined;
  const alarmBits = flags & FLAG.alarms ? frame.u16() : undefined;
  return { record: versionAndRecord & 0x0f, serial, time, celsius, alarmBits };
}

type Point = { seriesName: string; unit?: string; value: number };

const point = ({ name, unit }: Quantity, value: number): Point => ({ seriesName: name, ...(unit && { unit }), value });

/** What all measurements of a frame have in common. */
const measurement = ({ serial }: Head, values: readonly Point[], time: string | undefined): DecodedMeasurement => ({
  type: TYPE,
  series: TYPE,
  ...(time && { time }),
  values,
  additionalProperties: { acme_Serial: serial },
});

type Body = Partial<Pick<DecoderResult, "measurements" | "events" | "message">>;

/** Record 1: count, then quantity, scale and 32-bit value for each. Unknown quantities have a length too: they are skipped. */
function readings(head: Head, frame: Reader): Body {
  const values: Point[] = [];
  const unknown: number[] = [];
  for (let left = frame.u8(); left > 0; left--) {
    const code = frame.u8();
    const scale = readScale(frame);
    const quantity = QUANTITIES[code];
    const raw = quantity?.signed ? frame.i32() : frame.u32();
    if (quantity) values.push(point(quantity, scaled(raw, scale)));
    else unknown.push(code);
  }
  if (head.celsius !== undefined) values.push({ seriesName: "T", unit: "°C", value: head.celsius });
  const message = unknown.length > 0 ? { message: `left out: quantity ${unknown.join(", ")}` } : {};
  return { measurements: values.length > 0 ? [measurement(head, values, head.time)] : [], ...message };
}

/** Record 2: a profile. Its first value, then differences; the last value was taken at the time of the frame. */
function profile(head: Head, frame: Reader): Body {
  if (head.time === undefined) throw new BadFrame("a profile without its time");
  const code = frame.u8();
  const quantity = QUANTITIES[code];
  if (!quantity) throw new BadFrame(`quantity ${code} is not known`);
  const scale = readScale(frame);
  const stepMs = frame.u16() * 60_000;
  const count = frame.u8();
  const lastMs = Date.parse(head.time);
  const measurements: DecodedMeasurement[] = [];
  let raw = 0;
  for (let index = 0; index < count; index++) {
    raw = index === 0 ? frame.u32() : raw + frame.u16();
    const time = new Date(lastMs - (count - 1 - index) * stepMs).toISOString();
    measurements.push(measurement(head, [point(quantity, scaled(raw, scale))], time));
  }
  return { measurements };
}

/** Record 3: a reason, and a detail in ASCII. */
function status(head: Head, frame: Reader): Body {
  const reason = frame.u8();
  const detail = String.fromCharCode(...frame.bytes(frame.u8()));
  if (!/^[ -~]*$/.test(detail)) throw new BadFrame("the detail of a status is not ASCII");
  const text = STATUS[reason] ?? `Status ${reason}`;
  const event: DecodedEvent = {
    type: "acme_Status",
    text,
    ...(head.time && { time: head.time }),
    acme: { reason, detail },
  };
  return { events: [event] };
}

const RECORDS: Readonly<Record<number, (head: Head, frame: Reader) => Body>> = { 1: readings, 2: profile, 3: status };

/** A set bit raises its alarm, a bit that is not set clears it; without the field nothing is known. */
function alarmsOf({ alarmBits, time }: Head): Pick<DecoderResult, "alarms" | "alarmTypesToUpdate"> {
  if (alarmBits === undefined) return {};
  const raised = ALARMS.filter((_, bit) => alarmBits & (1 << bit));
  const cleared = ALARMS.filter((_, bit) => !(alarmBits & (1 << bit)));
  return {
    alarms: raised.map(alarm => ({ ...alarm, status: "ACTIVE", ...(time && { time }) })),
    alarmTypesToUpdate: { CLEARED: cleared.map(({ type }) => type) },
  };
}

/** The serial number is shown as resource 124 beside the frame's 123. */
function serialFragment(resourcePath: string, serial: string): DataFragment[] {
  const [, object, instance] = resourcePath.split("/");
  return [{ key: `/${object}/${instance}/124`, value: serial }];
}

function secondGeneration(value: Uint8Array, resourcePath: string): DecoderResult {
  if (value.length < 9) throw new BadFrame(`${value.length} bytes are too few for a frame`);
  const covered = value.subarray(0, value.length - 2);
  const sent = reader(value.subarray(value.length - 2)).u16();
  const counted = crc16(covered);
  const hex = (crc: number): string => crc.toString(16).padStart(4, "0");
  if (sent !== counted) throw new BadFrame(`checksum is ${hex(sent)}, but the bytes give ${hex(counted)}`);
  const frame = reader(covered);
  const head = readHead(frame);
  const read = RECORDS[head.record];
  if (!read) throw new BadFrame(`record type ${head.record} is not known`);
  const body = read(head, frame);
  if (frame.left > 0) throw new BadFrame(`${frame.left} bytes stand after the record`);
  return { success: true, ...body, ...alarmsOf(head), dataFragments: serialFragment(resourcePath, head.serial) };
}

/** Volts x 10 and degrees Celsius x 100: all that the first generation says. */
function firstGeneration(value: Uint8Array): DecoderResult {
  const frame = reader(value);
  const values = [
    { seriesName: "U", unit: "V", value: frame.u16() / 10 },
    { seriesName: "T", unit: "°C", value: frame.i16() / 100 },
  ];
  return { success: true, measurements: [{ type: TYPE, series: TYPE, values }] };
}

export default {
  decode({ value, resourcePath }) {
    try {
      return value.length === FIRST_GENERATION_BYTES ? firstGeneration(value) : secondGeneration(value, resourcePath);
    } catch (error) {
      if (error instanceof BadFrame) return { success: false, message: error.message };
      throw error;
    }
  },
} satisfies Decoder;
