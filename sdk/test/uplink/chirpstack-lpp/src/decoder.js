// Channel, type, value, in the manner of the Cayenne low power payload.
var types = {
  0: { size: 1, name: 'digitalInput', signed: false, divisor: 1 },
  2: { size: 2, name: 'analogInput', signed: true, divisor: 100 },
  103: { size: 2, name: 'temperatureSensor', signed: true, divisor: 10 },
  104: { size: 1, name: 'humiditySensor', signed: false, divisor: 2 },
  113: { size: 6, name: 'accelerometer', signed: true, divisor: 1000 },
  136: { size: 9, name: 'gpsLocation', signed: true, divisor: [10000, 10000, 100] },
};

function toDecimal(stream, signed, divisor) {
  var value = 0;
  for (var i = 0; i < stream.length; i++) value = value * 256 + stream[i];
  if (signed && stream[0] & 0x80) value -= Math.pow(2, 8 * stream.length);
  return value / divisor;
}

function decodeUplink(input) {
  var bytes = input.bytes;
  var sensors = {};
  while (bytes.length > 0) {
    var channel = bytes.shift();
    var type = bytes.shift();
    var known = types[type];
    if (typeof known === 'undefined') throw new Error('Sensor type error!: ' + type);
    var part = bytes.splice(0, known.size);
    var value;
    if (type === 136) {
      value = {
        latitude: toDecimal(part.slice(0, 3), true, known.divisor[0]),
        longitude: toDecimal(part.slice(3, 6), true, known.divisor[1]),
        altitude: toDecimal(part.slice(6, 9), true, known.divisor[2]),
      };
    } else if (type === 113) {
      value = {
        x: toDecimal(part.slice(0, 2), true, known.divisor),
        y: toDecimal(part.slice(2, 4), true, known.divisor),
        z: toDecimal(part.slice(4, 6), true, known.divisor),
      };
    } else value = toDecimal(part, known.signed, known.divisor);
    (sensors[known.name] = sensors[known.name] || {})[channel] = value;
  }
  return { data: sensors };
}
