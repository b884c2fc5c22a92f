/** `GET /fw/<token>` over HTTP and HTTPS, whole or in ranges (RFC 9110). Everything else is not there. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FAILURES, isFailure, MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { answerRange, piecesOf } from "../http/byte-range.ts";
import type { FirmwareDownloads } from "./downloads.ts";

export interface HttpDownloadParts {
  readonly downloads: Pick<FirmwareDownloads, "find">;
  readonly log: Log;
  readonly protocol: "http" | "https";
}

const PATH = /^\/fw\/([A-Za-z0-9_-]{1,100})$/;

const notFound = (): MooringError => new MooringError("NOT_FOUND", "nothing is offered here");

function tokenOf({ method, url = "" }: IncomingMessage): string {
  const token = PATH.exec(url.split("?", 1)[0]!)?.[1];
  if (token === undefined) throw notFound();
  if (method !== "GET" && method !== "HEAD")
    throw new MooringError("METHOD_NOT_ALLOWED", `${method} is not for firmware`);
  return token;
}

async function serve(
  { downloads, protocol }: HttpDownloadParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const served = await downloads.find(tokenOf(request));
  if (!served) throw notFound();
  const { range, "if-range": ifRange } = request.headers;
  const given = { range, ifRange: typeof ifRange === "string" ? ifRange : undefined };
  const { status, start, end, headers } = answerRange(given, served.length, served.sha256);
  response.writeHead(status, {
    ...headers,
    "Content-Type": "application/octet-stream",
    "Cache-Control": "no-store, no-transform",
  });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const source = { read: (offset: number, length: number) => served.read(protocol, offset, length) };
  await pipeline(Readable.from(piecesOf(source, start, end), { objectMode: false }), response);
}

function refuse(response: ServerResponse, error: unknown): void {
  const status = isFailure(error) ? FAILURES[error.code].http : 500;
  const text = isFailure(error) && status < 500 ? `${error.message}\n` : "";
  if (status === 405) response.setHeader("Allow", "GET, HEAD");
  if (status === 503) response.setHeader("Retry-After", "1");
  if (isFailure(error, "RANGE_INVALID")) response.setHeader("Content-Range", `bytes */${error.details["length"]}`);
  response.writeHead(status, { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(text) }).end(text);
}

export function createHttpDownloads(parts: HttpDownloadParts): RequestListener {
  const { log, protocol } = parts;
  return (request, response) => {
    serve(parts, request, response).catch((error: unknown) => {
      // Cut off: a client sees that bytes are missing, and may go on from there.
      if (response.headersSent) {
        log.debug("firmware.cut", { protocol, reason: messageOf(error) });
        response.destroy();
        return;
      }
      if (!isFailure(error)) log.error("firmware.fault", { protocol, reason: messageOf(error) });
      refuse(response, error);
    });
  };
}
