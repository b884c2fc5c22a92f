/**
 * Channel and type in front of each value, little-endian.
 */
function readUInt16LE(bytes) {
  var value = (bytes[1] << 8) + bytes[0];
  return value & 0xffff;
}
function readInt16LE(bytes) {
  var ref = readUInt16LE(bytes);
  return ref > 0x7fff ? ref - 0x10000 : ref;
}
function decoder(bytes) {
  var decoded = {};
  for (var i = 0; i < bytes.length; ) {
    var channel_id = bytes[i++];
    var channel_type = bytes[i++];
    // BATTERY
    if (channel_id === 0x01 && channel_type === 0x75) {
      decoded.battery = bytes[i];
      i += 1;
    }
    // TEMPERATURE
    else if (channel_id === 0x03 && channel_type === 0x67) {
      decoded.temperature = readInt16LE(bytes.slice(i, i + 2)) / 10;
      i += 2;
    }
    // HISTORY
    else if (channel_id === 0x20 && channel_type === 0xce) {
      var point = {};
      point.timestamp = readUInt16LE(bytes.slice(i, i + 2));
      point.temperature = readInt16LE(bytes.slice(i + 2, i + 4)) / 10;
      decoded.history = decoded.history || [];
      decoded.history.push(point);
      i += 4;
    } else {
      break;
    }
  }
  return decoded;
}
function decodeUplink(input) {
  var decoded = decoder(input.bytes);
  return { data: decoded };
}
