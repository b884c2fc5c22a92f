/** Listening and ending, for every HTTP server of the host. */
import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";

export interface HttpListener extends AsyncDisposable {
  readonly address: AddressInfo;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** How long answers under way have when it ends. */
  readonly drainMs: number;
}

function listening(server: Server | TlsServer, host: string, port: number): Promise<void> {
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
 * @returns when requests are taken; disposing lets those under way end, `drainMs` at most
 * @throws  MooringError CONFIG_INVALID when the port cannot be had
 */
export async function listen(
  server: Server | TlsServer,
  clock: Clock,
  { host, port, drainMs }: ListenOptions,
): Promise<HttpListener> {
  await listening(server, host, port);
  return {
    address: server.address() as AddressInfo,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => void server.close(() => resolve()));
      server.closeIdleConnections();
      using _limit = clock.after(drainMs, () => server.closeAllConnections());
      await closed;
    },
  };
}
