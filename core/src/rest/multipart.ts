/** The file of a multipart upload (RFC 7578). The one home of busboy. */
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { MooringError } from "../base/errors.ts";
import { readBody } from "./json-body.ts";

export interface UploadedFile {
  /** Base name as the client gave it; empty where it gave none. */
  readonly fileName: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

const MOST_PARTS = 20;

async function collect(stream: BusboyFileStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

async function readMultipart(request: IncomingMessage, contentType: string, maxBytes: number): Promise<UploadedFile> {
  let file: Promise<UploadedFile> | undefined;
  let tooLarge = false;
  const parser = new Busboy({
    headers: { ...request.headers, "content-type": contentType },
    limits: { fileSize: maxBytes, files: 1, fields: MOST_PARTS, parts: MOST_PARTS, fieldSize: 65_536, headerPairs: 50 },
    // A part without a file name is a file too when it is named so (platform API 12.3).
    isPartAFile: (field, _type, fileName) => field === "file" || fileName !== undefined,
  });
  parser.on("file", (_field, stream, fileName, _encoding, partType) => {
    stream.on("limit", () => {
      tooLarge = true;
    });
    file = collect(stream).then(bytes => ({ fileName: fileName ?? "", contentType: partType, bytes }));
    // Awaited below; a failure in between belongs to the pipeline's error.
    file.catch(() => {});
  });
  await pipeline(request, parser);
  if (tooLarge) throw new MooringError("TOO_LARGE", `the file is larger than ${maxBytes} bytes`);
  if (!file) throw new MooringError("VALIDATION", "file is missing", { field: "file", rule: "is missing" });
  return file;
}

/**
 * The uploaded file: the part with a file name or named `file`; a body that is not multipart is the file itself.
 * @throws MooringError MALFORMED for unreadable multipart, TOO_LARGE, VALIDATION without a file
 */
export async function readUpload(request: IncomingMessage, maxBytes: number): Promise<UploadedFile> {
  const contentType = request.headers["content-type"] ?? "";
  if (!/^multipart\//i.test(contentType)) {
    return { fileName: "", contentType, bytes: await readBody(request, maxBytes) };
  }
  try {
    return await readMultipart(request, contentType, maxBytes);
  } catch (error) {
    if (error instanceof MooringError) throw error;
    throw new MooringError("MALFORMED", `unreadable multipart: ${(error as Error).message}`, {}, { cause: error });
  }
}
