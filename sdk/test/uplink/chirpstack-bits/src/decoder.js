/* Status bits, a counter of 24 bits and a float, read with Buffer, which ChirpStack gives to its scripts. */
function bit(value, index) {
  return ((value >> index) & 1) === 1;
}

function decodeUplink(input) {
  var buffer = Buffer.from(input.bytes);
  var status = buffer.readUInt8(0);
  return {
    data: {
      open: bit(status, 0),
      leak: bit(status, 1),
      tamper: bit(status, 2),
      level: (status >> 4) & 0x0f,
      counter: buffer.readUIntLE(1, 3),
      pressure: Math.round(buffer.readFloatBE(4) * 100) / 100,
      serial: buffer.slice(8, 10).toString('hex'),
      raw: buffer
    }
  };
}
