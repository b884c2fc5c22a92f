/** The listener: limits of time, errors before there is a request, and an end that lets answers under way out. */
import { createServer, type RequestListener, type Server, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";

export interface RestServer extends AsyncDisposable {
  readonly address: AddressInfo;
}

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

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = ({ message }: Error): void => {
      reject(new MooringError("CONFIG_INVALID", `cannot listen on ${host} port ${port}: ${message}`, { host, port }));
    };
    server.once("error", failed);
    server.listen(port, host, () => {
      server.off("error", failed);
      resolve();
    });
  });
}

/**
 * @param options `port` 0 takes any free one
 * @returns when requests are taken; disposing lets those under way end, 5 s at most
 * @throws  MooringError CONFIG_INVALID when the port cannot be had
 */
export async function listen(
  handler: RequestListener,
  clock: Clock,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<RestServer> {
  const server = createServer(TIMEOUTS, handler);
  server.on("clientError", refuse);
  await listening(server, host, port);
  return {
    address: server.address() as AddressInfo,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => void server.close(() => resolve()));
      server.closeIdleConnections();
      using _limit = clock.after(DRAIN_MS, () => server.closeAllConnections());
      await closed;
    },
  };
}
