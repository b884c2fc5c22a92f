/** The server of the API: limits of time, and errors before there is a request. */
import { createServer, type RequestListener, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { type HttpListener, type ListenOptions, listen } from "../http/listen.ts";

const DRAIN_MS = 5000;
/** A request may last as long as a file of the largest size takes over a slow line. */
const TIMEOUTS = { requestTimeout: 600_000, headersTimeout: 20_000, keepAliveTimeout: 30_000 };

/** What the parser of HTTP gives up with; anything else is a bad request. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Also what is no HTTP gets the platform's error body (platform API 2.3). */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status = STATUS_BY_CODE[error.code ?? ""] ?? 400;
  const name = STATUS_CODES[status];
  const body = JSON.stringify({
    error: `general/${name}`,
    message: `The request could not be read: ${name}`,
    info: "/errors",
  });
  const head = ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`, "Connection: close"];
  socket.end(`HTTP/1.1 ${status} ${name}\r\n${head.join("\r\n")}\r\n\r\n${body}`);
}

/** See {@link listen}. */
export async function listenForRest(
  handler: RequestListener,
  clock: Clock,
  { host, port }: Pick<ListenOptions, "host" | "port">,
): Promise<HttpListener> {
  const server = createServer(TIMEOUTS, handler);
  server.on("clientError", refuse);
  return listen(server, clock, { host, port, drainMs: DRAIN_MS });
}
