/**
 * A LwM2M device over the `coap` package, client and server on one UDP socket as a real device has it. What that package
 * needs to be told: notifications go out confirmable (its non-confirmable ones leave as ACKs), they share the message ids
 * of the device's own requests, and every response has an error listener, or one lost ACK ends the process.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Agent, type IncomingMessage, type ObserveWriteStream, type OutgoingMessage, Server } from "coap";
import { LINK_FORMAT, readContent, TEXT, writeContent } from "./content.ts";
import { createObservers, type Observers } from "./observers.ts";
import {
  discoverLinks,
  findResource,
  type Path,
  parsePath,
  pathText,
  type ResourceValue,
  registrationLinks,
  type SimulatedObjects,
} from "./resource.ts";

export interface SimulatedDeviceOptions {
  readonly endpoint: string;
  readonly serverHost?: string;
  readonly serverPort: number;
  readonly objects: SimulatedObjects;
  readonly lwm2mVersion?: "1.0" | "1.1";
  readonly lifetimeSeconds?: number;
  /** Address of the device's socket. */
  readonly bindAddress?: string;
  /** Carries the device's messages instead of a UDP socket of its own, such as one over DTLS; closed with the device. */
  readonly socket?: Socket;
  /** Called for trouble that the device itself gets over, such as a notification nobody acknowledged. */
  readonly onTrouble?: (what: string) => void;
}

/** A request of the server as the device saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly payload: Buffer;
  readonly observe: number | undefined;
  /** Response code the device gave. */
  readonly answered: string;
}

export interface RegisterOptions {
  /** Sends the payload in blocks of 2^(szx+4) bytes (RFC 7959). */
  readonly blockSzx?: number;
}

export interface SimulatedDevice extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  /** Location of the registration, such as `/rd/F7DqjmW3Yy`; undefined before Register. */
  readonly location: string | undefined;
  /** Requests of the server, oldest first. */
  readonly seen: readonly SeenRequest[];
  /** Paths now observed by the server. */
  readonly observed: readonly string[];
  /** @returns the location @throws Error with the code when the server refuses */
  register(options?: RegisterOptions): Promise<string>;
  /** @param query such as `lt=120`; the object links go along when `withLinks` */
  update(query?: string, withLinks?: boolean): Promise<void>;
  deregister(): Promise<void>;
  /** Drops location and observations without telling the server, as a reboot does. */
  forget(): void;
  /** Sets a value and notifies whoever observes it. */
  set(path: string, value: ResourceValue): void;
  value(path: string): ResourceValue | ReadonlyMap<number, ResourceValue> | undefined;
  close(): Promise<void>;
}

interface Answer {
  readonly code: string;
  readonly format?: number;
  readonly payload?: Buffer;
}

type CoapResponse = OutgoingMessage & ObserveWriteStream;

/** Names that `coap` gives to Content-Formats, where it knows them, back to numbers (CoRE parameters registry). */
const FORMAT_NUMBERS: Readonly<Record<string, number>> = {
  "text/plain": 0,
  "application/link-format": 40,
  "application/octet-stream": 42,
  "application/cbor": 60,
  "application/senml+json": 110,
  "application/senml+cbor": 112,
  "application/vnd.oma.lwm2m+tlv": 11542,
  "application/vnd.oma.lwm2m+json": 11543,
};

function formatNumber(header: unknown): number | undefined {
  if (header === undefined || header === null) return undefined;
  return typeof header === "number" ? header : (FORMAT_NUMBERS[String(header)] ?? -1);
}

/** Waits for the response to a request of the device. */
function responseTo(request: OutgoingMessage, payload: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
    request.once("timeout", reject);
    request.end(payload);
  });
}

/** `coap` keeps only the last segment under `headers`. */
const locationPath = (response: IncomingMessage): string =>
  (response._packet.options ?? [])
    .filter(option => option.name === "Location-Path")
    .map(option => `/${String(option.value)}`)
    .join("");

function execute(objects: SimulatedObjects, path: Path, payload: Buffer): Answer {
  const resource = findResource(objects, path);
  if (!resource) return { code: "4.04" };
  if (!resource.execute) return { code: "4.05" };
  resource.execute(payload.toString("utf8"));
  return { code: "2.04" };
}

function read(objects: SimulatedObjects, path: Path, accept: number | undefined): Answer {
  if (accept === LINK_FORMAT) {
    const links = discoverLinks(objects, path);
    return links === undefined ? { code: "4.04" } : { code: "2.05", format: LINK_FORMAT, payload: Buffer.from(links) };
  }
  const content = readContent(objects, path, accept);
  return "refused" in content ? { code: content.refused } : { code: "2.05", ...content };
}

async function bindSocket(address = "127.0.0.1"): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}

export async function createSimulatedDevice(options: SimulatedDeviceOptions): Promise<SimulatedDevice> {
  const { endpoint, objects, serverPort, serverHost = "127.0.0.1", lwm2mVersion = "1.0" } = options;
  const trouble = options.onTrouble ?? (() => {});
  const socket = options.socket ?? (await bindSocket(options.bindAddress));
  const agent = new Agent({ socket });
  const server = new Server({});
  agent.on("error", error => trouble(`socket: ${error.message}`));
  server.on("error", error => trouble(`socket: ${error.message}`));

  const seen: SeenRequest[] = [];
  let location: string | undefined;
  let closed = false;
  const observers: Observers = createObservers(() => agent._nextMessageId());

  const changed = (path: Path): void => {
    observers.changed(path, observer => {
      const answer = read(objects, observer.path, observer.accept);
      return answer.payload && { format: answer.format ?? TEXT, payload: answer.payload };
    });
  };
  const write = (path: Path, request: IncomingMessage): Answer => {
    const format = formatNumber(request.headers["Content-Format"]) ?? TEXT;
    const written = writeContent(objects, path, format, request.payload);
    if ("refused" in written) return { code: written.refused };
    for (const each of written) changed(each.path);
    return { code: "2.04" };
  };
  const answerTo = (request: IncomingMessage, path: Path, query: string): Answer => {
    const accept = formatNumber(request.headers["Accept"]);
    if (request.method === "GET") return read(objects, path, accept);
    if (request.method === "PUT" && request.payload.length === 0 && query !== "") return { code: "2.04" };
    if (request.method === "PUT") return write(path, request);
    if (request.method === "POST" && path.length === 3) return execute(objects, path, request.payload);
    if (request.method === "POST" && path.length === 2) return write(path, request);
    return { code: "4.05" };
  };
  const handle = (request: IncomingMessage, response: CoapResponse): void => {
    response.on("error", (error: Error) => trouble(`response: ${error.message}`));
    const [pathname = "", query = ""] = request.url.split("?");
    const path = parsePath(pathname);
    const observe = request.headers["Observe"] as number | undefined;
    const answer: Answer = path ? answerTo(request, path, query) : { code: "4.04" };
    seen.push({
      method: request.method,
      path: pathname,
      query,
      payload: request.payload,
      observe,
      answered: answer.code,
    });
    response.statusCode = answer.code;
    if (answer.format !== undefined) response.setOption("Content-Format", answer.format);
    const token = request._packet.token ?? Buffer.alloc(0);
    const isGood = answer.code === "2.05" && path !== undefined;
    if (observe === 1) observers.remove(token);
    if (observe === 0 && isGood) {
      observers.add({ path, accept: formatNumber(request.headers["Accept"]), token, stream: response });
      response.write(answer.payload ?? Buffer.alloc(0));
    } else response.end(answer.payload);
  };
  server.on("request", handle);
  await new Promise<void>(resolve => server.listen(socket, () => resolve()));

  const send = async (method: "POST" | "DELETE", pathname: string, query: string, body: string, szx?: number) => {
    const request = agent.request({
      hostname: serverHost,
      port: serverPort,
      method,
      pathname,
      query,
      ...(body === "" ? {} : { contentFormat: LINK_FORMAT }),
      ...(szx === undefined ? {} : { options: { Block1: Buffer.of(szx) } }),
    });
    const response = await responseTo(request, Buffer.from(body));
    if (!response.code.startsWith("2.")) throw new Error(`${method} ${pathname} of ${endpoint}: ${response.code}`);
    return response;
  };

  const forget = (): void => {
    observers.clear();
    location = undefined;
  };
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    agent.close();
    server.close();
    await new Promise<void>(resolve => socket.close(resolve));
  };

  return {
    endpoint,
    port: socket.address().port,
    get location() {
      return location;
    },
    seen,
    get observed() {
      return observers.paths().map(pathText);
    },
    async register({ blockSzx } = {}) {
      const query = `ep=${endpoint}&lt=${options.lifetimeSeconds ?? 86_400}&lwm2m=${lwm2mVersion}&b=U`;
      const response = await send("POST", "/rd", query, registrationLinks(objects, lwm2mVersion), blockSzx);
      location = locationPath(response);
      return location;
    },
    async update(query = "", withLinks = false) {
      if (!location) throw new Error(`${endpoint} is not registered`);
      await send("POST", location, query, withLinks ? registrationLinks(objects, lwm2mVersion) : "");
    },
    async deregister() {
      if (!location) throw new Error(`${endpoint} is not registered`);
      await send("DELETE", location, "", "");
      forget();
    },
    forget,
    set(path, value) {
      const parsed = parsePath(path);
      const resource = parsed && findResource(objects, parsed);
      if (!resource) throw new Error(`${endpoint} has no ${path}`);
      resource.value = value;
      if (!closed) changed(parsed);
    },
    value: path => findResource(objects, parsePath(path) ?? [])?.value,
    close,
    [Symbol.asyncDispose]: close,
  };
}
