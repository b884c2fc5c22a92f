/** Frames of the ACME meter as decoders/acme-meter reads them, written for the simulator alone. All numbers big-endian. */

export interface AcmeReading {
  readonly volts: number;
  readonly celsius: number;
}

/** First generation: unsigned 16 bit volts x 10, signed 16 bit degrees Celsius x 100. */
export function acmeFrame({ volts, celsius }: AcmeReading): Uint8Array {
  const frame = new DataView(new ArrayBuffer(4));
  frame.setUint16(0, Math.round(volts * 10));
  frame.setInt16(2, Math.round(celsius * 100));
  return new Uint8Array(frame.buffer);
}

export interface AcmeReadings extends AcmeReading {
  /** Eight digits. */
  readonly serialNumber: string;
  readonly amperes: number;
  readonly watts: number;
  readonly wattHours: number;
}

const MAGIC = 0xac;
const VERSION_2_READINGS = 0x21;
const HAS_TEMPERATURE = 0x04;
/** Quantity code, decimal exponent. */
const QUANTITIES = { volts: [1, -1], amperes: [2, -2], watts: [3, 0], wattHours: [4, 0] } as const;

/** CRC-16/CCITT-FALSE. */
function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

/** Second generation, record of readings: head with serial number and temperature, four quantities, checksum. */
export function acmeReadingsFrame(readings: AcmeReadings): Uint8Array {
  const names = Object.keys(QUANTITIES) as (keyof typeof QUANTITIES)[];
  const frame = Buffer.alloc(3 + 4 + 2 + 1 + names.length * 6 + 2);
  frame.set([MAGIC, VERSION_2_READINGS, HAS_TEMPERATURE, ...Buffer.from(readings.serialNumber, "hex")]);
  frame.writeInt16BE(Math.round(readings.celsius * 100), 7);
  frame.writeUInt8(names.length, 9);
  names.forEach((name, index) => {
    const [code, exponent] = QUANTITIES[name];
    const at = 10 + index * 6;
    frame.writeUInt8(code, at);
    frame.writeInt8(exponent, at + 1);
    frame.writeInt32BE(Math.round(readings[name] * 10 ** -exponent), at + 2);
  });
  frame.writeUInt16BE(crc16(frame.subarray(0, -2)), frame.length - 2);
  return Uint8Array.from(frame);
}
