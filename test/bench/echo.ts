/** The yardstick: one `node:dgram` socket that sends every datagram back, buffers and lookup as the host sets them. */
import { createSocket } from "node:dgram";

const socket = createSocket({
  type: "udp4",
  recvBufferSize: 4 * 1024 * 1024,
  sendBufferSize: 4 * 1024 * 1024,
  lookup: (host, _options, found) => found(null, host, 4),
});
socket.on("message", (bytes, from) => socket.send(bytes, from.port, from.address));
socket.bind(0, "127.0.0.1", () => console.log(`echo ${socket.address().port}`));
