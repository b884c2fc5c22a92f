var TYPES = { 1: { name: 'a' } };
function decodeUplink(input) {
  if (input.bytes[0] === 2) throw 'a text';
  if (input.bytes[0] === 3) while (true);
  if (input.bytes[0] === 4) return;
  if (input.bytes[0] === 5) return { data: [1, 2] };
  if (input.bytes[0] === 6) throw new Proxy({}, { get: function () { while (true); } });
  var data = {};
  data[TYPES[input.bytes[0]].name] = 1;
  return { data: data };
}
