/** Requests to a device as CoAP (LwM2M Transport 1.1.1 section 6.4.4 and 6.4.5: the method and path tables). */
import { EMPTY_BYTES, encodeUtf8 } from "../../base/bytes.ts";
import type { CoapRequest, Method } from "../../coap/request.ts";
import { CONTENT_FORMAT } from "../codecs/codec.ts";
import type { Lwm2mPath } from "../path.ts";

/** Notification attributes (LwM2M Core 1.1.1 section 5.1.2); periods in seconds; null unsets. */
export interface NotificationAttributes {
  readonly pmin?: number | null;
  readonly pmax?: number | null;
  readonly gt?: number | null;
  readonly lt?: number | null;
  readonly st?: number | null;
  readonly epmin?: number | null;
  readonly epmax?: number | null;
}

/** An encoded body and its format. */
export interface Content {
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}

/** Path segments below the alternate root (`/` or `/lwm2m`). */
export const segmentsOf = (rootPath: string, path: Lwm2mPath): readonly string[] => [
  ...rootPath.split("/").filter(segment => segment !== ""),
  ...path.map(String),
];

const bodyless = (method: Method, path: readonly string[]): CoapRequest => ({
  method,
  path,
  query: [],
  payload: EMPTY_BYTES,
});

const withContent = (method: Method, path: readonly string[], content: Content): CoapRequest => ({
  method,
  path,
  query: [],
  contentFormat: content.contentFormat,
  payload: content.payload,
});

/** Read and, with the Observe option that the endpoint adds, Observe. Accept is always sent: a client's own choice may be a format that nobody else has. */
export const readRequest = (path: readonly string[], accept: number): CoapRequest => ({
  method: "GET",
  path,
  query: [],
  accept,
  payload: EMPTY_BYTES,
});

/** Read-Composite and, with the Observe option that the endpoint adds, Observe-Composite: FETCH on the root with a list of paths. */
export const readCompositeRequest = (root: readonly string[], paths: Content, accept: number): CoapRequest => ({
  ...withContent("FETCH", root, paths),
  accept,
});

/** Write-Composite: iPATCH on the root. */
export const writeCompositeRequest = (root: readonly string[], values: Content): CoapRequest =>
  withContent("IPATCH", root, values);

export const discoverRequest = (path: readonly string[]): CoapRequest => readRequest(path, CONTENT_FORMAT.LINK);

/** Replace: PUT. Partial Update: POST on an object instance. */
export const writeRequest = (path: readonly string[], content: Content, mode: "replace" | "partial"): CoapRequest =>
  withContent(mode === "replace" ? "PUT" : "POST", path, content);

/** Arguments go as text/plain; without any, neither body nor Content-Format is sent. */
export const executeRequest = (path: readonly string[], args: string): CoapRequest =>
  args === ""
    ? bodyless("POST", path)
    : withContent("POST", path, { contentFormat: CONTENT_FORMAT.TEXT, payload: encodeUtf8(args) });

export const createRequest = (path: readonly string[], content: Content): CoapRequest =>
  withContent("POST", path, content);

export const deleteRequest = (path: readonly string[]): CoapRequest => bodyless("DELETE", path);

/** Decimal text without an exponent, as the attribute grammar has none. */
function decimal(value: number): string {
  const text = String(value);
  if (!text.includes("e")) return text;
  return Math.abs(value) >= 1 ? BigInt(value).toString() : value.toFixed(20).replace(/\.?0+$/, "");
}

export const writeAttributesRequest = (path: readonly string[], attributes: NotificationAttributes): CoapRequest => ({
  method: "PUT",
  path,
  query: Object.entries(attributes).flatMap(([key, value]: [string, number | null | undefined]) => {
    if (value === undefined) return [];
    return value === null ? [key] : [`${key}=${decimal(value)}`];
  }),
  payload: EMPTY_BYTES,
});
