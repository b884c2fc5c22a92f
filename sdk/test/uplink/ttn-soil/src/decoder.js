function decodeUplink(input) {
  var data = {};
  data.soil = {
    moisture: ((input.bytes[0] << 8) | input.bytes[1]) / 100,
    temperature: (((input.bytes[2] << 8) | input.bytes[3]) << 16 >> 16) / 100
  };
  data.battery = { voltage: input.bytes[4] / 10, low: input.bytes[4] < 33 };
  data.kind = null;
  return { data: data };
}

function normalizeUplink(input) {
  return { data: { soil: input.data.soil, battery: input.data.battery.voltage } };
}

function encodeDownlink(input) {
  return { bytes: [], fPort: 1, warnings: [], errors: [] };
}
