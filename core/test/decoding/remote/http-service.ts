/** A service on loopback whose answers a test writes. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  /** Names and values as they were sent, in turn. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface HttpService extends AsyncDisposable {
  readonly port: number;
  readonly origin: string;
  readonly asked: readonly Asked[];
  /** Connections that were ever made. */
  readonly connections: number;
  answer: (asked: Asked, response: ServerResponse, request: IncomingMessage) => void;
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export async function openHttpService(): Promise<HttpService> {
  const asked: Asked[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const { method, url, rawHeaders, headers } = request;
      const seen = { method, url, rawHeaders, headers, body: Buffer.concat(chunks).toString() };
      asked.push(seen);
      service.answer(seen, response, request);
    });
  });
  server.on("connection", () => void connections++);
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const service: HttpService = {
    port,
    origin: `http://127.0.0.1:${port}`,
    asked,
    get connections() {
      return connections;
    },
    answer: (_, response) => answerJson(response, 200, { success: true }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
  return service;
}
