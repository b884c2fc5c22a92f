function Decoder(bytes, port) {
  // Decode an uplink message from a buffer
  // (array) of bytes to an object of fields.
  var decoded = {};
  if (port === 1) decoded.led = bytes[0];
  if (port === 2) {
    decoded.lux = bytes[0] * 256 + bytes[1];
    decoded.day = decoded.lux > 100;
  }
  return decoded;
}
