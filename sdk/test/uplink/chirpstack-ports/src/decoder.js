"use strict";
const KINDS = { 0: 'cold', 1: 'watchdog', 2: 'update' };
const read = (bytes, at) => (bytes[at] << 8) + bytes[at + 1];

function decodeUplink(input) {
  const { bytes, fPort } = input;
  switch (fPort) {
    case 1:
      return { data: { level: read(bytes, 0), flow: read(bytes, 2) / 10 } };
    case 2:
      return { data: { boot: KINDS[bytes[0]], version: `${bytes[1]}.${bytes[2]}` } };
    case 42:
      return { data: { port: fPort, total: bytes.length } };
    default:
      return { errors: ['unknown port ' + fPort] };
  }
}
