/** The ACME meter's proprietary frame, as decoders/acme-meter reads it. */

export interface AcmeReading {
  readonly volts: number;
  readonly celsius: number;
}

/** Unsigned 16 bit volts x 10, signed 16 bit degrees Celsius x 100, big-endian. */
export function acmeFrame({ volts, celsius }: AcmeReading): Uint8Array {
  const frame = new DataView(new ArrayBuffer(4));
  frame.setUint16(0, Math.round(volts * 10));
  frame.setInt16(2, Math.round(celsius * 100));
  return new Uint8Array(frame.buffer);
}
