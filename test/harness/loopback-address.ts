/** A source address of its own for each of 15 million devices of one machine: all of 127.0.0.0/8 is this one. */
export const loopbackAddress = (at: number): string =>
  `127.${16 + Math.floor(at / 62_500)}.${Math.floor(at / 250) % 250}.${1 + (at % 250)}`;
