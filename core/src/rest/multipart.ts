/** The file of an upload, multipart (RFC 7578) or as it is. The one home of busboy. */
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

/** A file whose bytes went on as they came. */
export interface StreamedFile extends Omit<UploadedFile, "bytes"> {
  /** The texts that came with it, by name. */
  readonly fields: ReadonlyMap<string, string>;
}

export interface UploadLimits {
  /** Of a text that comes with the file. */
  readonly maxFieldBytes: number;
}

/** Takes bytes; the next ones wait for it. */
type Take = (bytes: Uint8Array) => Promise<void>;

const MOST_PARTS = 20;
/** Of what stands beside a file that is read whole. */
const FIELD_BYTES = 65_536;

const isMultipart = (contentType: string): boolean => /^multipart\//i.test(contentType);

/**
 * What goes on after the first failure is read and dropped: a client that gets no further with sending does not look for the answer.
 */
async function takeAll(source: AsyncIterable<unknown>, take: Take): Promise<void> {
  let failure: { readonly reason: unknown } | undefined;
  for await (const chunk of source) {
    if (failure) continue;
    try {
      await take(chunk as Uint8Array);
    } catch (reason) {
      failure = { reason };
    }
  }
  if (failure) throw failure.reason;
}

async function readMultipart(
  request: IncomingMessage,
  contentType: string,
  { maxFieldBytes }: UploadLimits,
  take: Take,
): Promise<StreamedFile> {
  const fields = new Map<string, string>();
  let file: Promise<Omit<StreamedFile, "fields">> | undefined;
  let tooLong: string | undefined;
  const parser = new Busboy({
    headers: { ...request.headers, "content-type": contentType },
    limits: { files: 1, fields: MOST_PARTS, parts: MOST_PARTS, fieldSize: maxFieldBytes, headerPairs: 50 },
    // A part without a file name is a file too when it is named so (platform API 12.3); a browser names a file for `object` (13).
    isPartAFile: (field, _type, fileName) => field === "file" || (fileName !== undefined && field !== "object"),
  });
  parser.on("file", (_field: string, stream: BusboyFileStream, fileName, _encoding, partType) => {
    file = takeAll(stream, take).then(() => ({ fileName: fileName ?? "", contentType: partType }));
    // Awaited below; a failure in between belongs to the pipeline's error.
    file.catch(() => {});
  });
  parser.on("field", (name, text, _nameCut, isCut) => {
    if (isCut) tooLong = name;
    fields.set(name, text);
  });
  await pipeline(request, parser);
  if (tooLong !== undefined) throw new MooringError("TOO_LARGE", `${tooLong} is larger than ${maxFieldBytes} bytes`);
  if (!file) throw new MooringError("VALIDATION", "file is missing", { field: "file", rule: "is missing" });
  return { ...(await file), fields };
}

/** What goes wrong with the form itself is said so. */
async function inForm<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof MooringError) throw error;
    throw new MooringError("MALFORMED", `unreadable multipart: ${(error as Error).message}`, {}, { cause: error });
  }
}

async function readPlain(request: IncomingMessage, take: Take): Promise<void> {
  try {
    await takeAll(request, take);
  } catch (error) {
    if (error instanceof MooringError) throw error;
    throw new MooringError("MALFORMED", "the body ended before it was complete", {}, { cause: error });
  }
}

/**
 * The uploaded file: the part with a file name or named `file`; a body that is not multipart is the file itself.
 * @throws MooringError MALFORMED for unreadable multipart, TOO_LARGE, VALIDATION without a file
 */
export async function readUpload(request: IncomingMessage, maxBytes: number): Promise<UploadedFile> {
  const contentType = request.headers["content-type"] ?? "";
  if (!isMultipart(contentType)) return { fileName: "", contentType, bytes: await readBody(request, maxBytes) };
  const chunks: Uint8Array[] = [];
  let length = 0;
  const collect: Take = async bytes => {
    length += bytes.length;
    if (length > maxBytes) throw new MooringError("TOO_LARGE", `the file is larger than ${maxBytes} bytes`);
    chunks.push(bytes);
  };
  const limits = { maxFieldBytes: FIELD_BYTES };
  const { fields: _fields, ...file } = await inForm(() => readMultipart(request, contentType, limits, collect));
  return { ...file, bytes: Buffer.concat(chunks) };
}

/**
 * The same, its bytes handed over as they come.
 * @throws MooringError as {@link readUpload}, and what `take` throws
 */
export async function streamUpload(request: IncomingMessage, limits: UploadLimits, take: Take): Promise<StreamedFile> {
  const contentType = request.headers["content-type"] ?? "";
  if (isMultipart(contentType)) return await inForm(() => readMultipart(request, contentType, limits, take));
  await readPlain(request, take);
  return { fileName: "", contentType, fields: new Map() };
}
