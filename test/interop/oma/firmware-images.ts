/** Images for the device on Leshan's client, as leshan/LeshanFirmware.java reads them, and a server that gives them out over HTTP. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

export interface ImageOptions {
  readonly version: string;
  /** Bytes between header and checksum; default 1,500. The device has storage for 6,000 in all. */
  readonly bytes?: number;
  /** Memory that the device would need, KiB; it has 64. */
  readonly ramKib?: number;
  readonly installs?: boolean;
  /** Spoils the checksum. */
  readonly isCorrupt?: boolean;
  /** False: something else, of no device. */
  readonly isImage?: boolean;
}

export function firmwareImage(options: ImageOptions): Buffer {
  const { version, bytes = 1500, ramKib = 16, installs = true, isCorrupt = false, isImage = true } = options;
  const kind = isImage ? "image" : "archive";
  const header = Buffer.from(`${kind} ${version} ram=${ramKib} installs=${installs ? "yes" : "no"}\n`);
  const body = Buffer.concat([header, Buffer.alloc(bytes, version)]);
  const sum = (crc32(body) ^ (isCorrupt ? 1 : 0)) >>> 0;
  return Buffer.concat([body, Buffer.from(sum.toString(16).padStart(8, "0"))]);
}

export interface ImageServer extends AsyncDisposable {
  /** Of the image. */
  readonly uri: string;
  /** Of one whose connection is lost half way. */
  readonly brokenUri: string;
  /** Of nothing. */
  readonly absentUri: string;
}

export async function openImageServer(image: Uint8Array): Promise<ImageServer> {
  const server = createServer((request, response) => {
    if (request.url === "/absent") {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-length": image.length });
    if (request.url === "/image") response.end(image);
    else response.write(image.subarray(0, image.length / 2), () => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    uri: `${base}/image`,
    brokenUri: `${base}/broken`,
    absentUri: `${base}/absent`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
