// Frames of __NAME__, big-endian: u16 volts x 10, i16 degrees Celsius x 100. A script as ChirpStack 4 takes it.
function decodeUplink(input) {
  const bytes = input.bytes;
  if (bytes.length !== 4) return { errors: [`${bytes.length} bytes are not 4`] };
  const celsius = (bytes[2] << 8) | bytes[3];
  return {
    data: { U: ((bytes[0] << 8) | bytes[1]) / 10, T: (celsius > 0x7fff ? celsius - 0x10000 : celsius) / 100 },
  };
}
