decoded = { warnings: [] };           // no var: a global, as many have it

function decodeUplink(input) {
  count = (typeof count === 'undefined' ? 0 : count) + 1;
  decoded.seen = count;
  decoded.distance = input.bytes[0] + parseFloat(input.variables.offset);
  decoded.site = input.variables.site;
  decoded.at = input.recvTime;
  decoded.year = input.recvTime.getUTCFullYear();
  if (input.bytes[0] > 200) decoded.warnings.push('out of range');
  if (input.bytes.length > 1) decoded.warnings.push('more than one byte');
  var warnings = decoded.warnings;
  delete decoded.warnings;
  return { data: decoded, warnings: warnings };
}
