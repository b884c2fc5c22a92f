// Decode uplink function.
//
// Input is an object with the following fields:
// - bytes = Byte array containing the uplink payload, e.g. [255, 230, 255, 0]
// - fPort = Uplink fPort.
// - variables = Object containing the configured device variables.
//
// Output must be an object with the following fields:
// - data = Object representing the decoded payload.
function decodeUplink(input) {
    var bytes = input.bytes;
    var decoded = {};
    var raw = (bytes[0] << 8) | bytes[1];
    if (raw & 0x8000) raw = raw - 0x10000;
    decoded.temperature = raw / 100;
    decoded.humidity = bytes[2] / 2;
    decoded.battery = (((bytes[3] << 8) | bytes[4]) / 1000).toFixed(3);
    return { data: decoded };
}

// Encode downlink function.
function encodeDownlink(input) {
    return { bytes: [225, 230, 255, 0] };
}
