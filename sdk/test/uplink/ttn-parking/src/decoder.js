function decodeUplink(input) {
  var warnings = [];
  var errors = [];
  if (input.bytes.length === 0) {
    return { errors: ["no payload", "port " + input.fPort] };
  }
  if (input.bytes[0] === 0xff) errors.push("sensor fault");
  if ((input.bytes[0] & 0x0f) < 3) warnings.push("battery low");
  return {
    data: { occupied: input.bytes[0] >> 4 === 1, battery: input.bytes[0] & 0x0f },
    warnings: warnings,
    errors: errors
  };
}
