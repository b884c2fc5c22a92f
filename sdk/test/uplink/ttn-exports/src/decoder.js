(function () {
  "use strict";

  function tank(bytes) {
    return { level: bytes[0], name: String.fromCharCode.apply(null, bytes.slice(1)) };
  }

  function decodeUplink(input) {
    return { data: tank(input.bytes) };
  }

  if (typeof module !== "undefined" && module.exports) {
    module.exports = { decodeUplink: decodeUplink, tank: tank };
  }
})();
// no line feed after this