/**
 * A device with a Firmware Update object, over UDP or DTLS, that takes packages block by block as strictly as small devices do: a block out of
 * order is 4.08, a repeated message gets its former answer. It fetches what it is given a URI of.
 */
import { type Clock, systemClock } from "@mooring/core/internal/base/clock.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import type { NamedOption, ParsedPacket } from "coap-packet";
import { type CoapLane, createCoapLane, type LaneAnswer } from "./coap-lane.ts";
import { readContent, writeContent } from "./content.ts";
import type { ClientSession, PskCredentials } from "./dtls/client-options.ts";
import { createDtlsClient, type DtlsClient } from "./dtls/dtls-client.ts";
import { openUdpPipe } from "./dtls/udp-pipe.ts";
import { fetchFirmware } from "./firmware-fetch.ts";
import { parsePath, registrationLinks, type SimulatedObjects, type SimulatedResource } from "./resource.ts";

export interface FirmwareDeviceOptions {
  readonly endpoint: string;
  readonly serverPort: number;
  /** Absent: plain UDP. */
  readonly psk?: PskCredentials;
  /** 0 PULL, 1 PUSH, 2 BOTH. */
  readonly method: number;
  /** 0 CoAP, 1 CoAPS, 2 HTTP, 3 HTTPS. */
  readonly protocols?: readonly number[];
  readonly version?: string;
  readonly lwm2mVersion?: "1.0" | "1.1";
  /** First retransmission of its messages; default 2000. */
  readonly ackTimeoutMs?: number;
}

/** Where an update ends: with a result, by which step it is too late to avoid. */
export interface Outcome {
  readonly result: number;
  /** "download": when the package is there, in place of state 2. "install": after Execute, without a restart. */
  readonly at: "download" | "install";
}

export interface FirmwareDevice extends AsyncDisposable {
  readonly endpoint: string;
  /** Packages that came, whole. */
  readonly packages: readonly Buffer[];
  /** Blocks of the package in the order in which they were taken for the first time. */
  readonly blocks: readonly number[];
  /** Messages that came again after they had been taken. */
  readonly repeated: number;
  /** Blocks that came again as other messages, or out of order. */
  readonly misplaced: number;
  /** Bytes of the package that is coming. */
  readonly received: number;
  readonly uri: string | undefined;
  /** `PUT /5/0/1`, repetitions left out. */
  readonly seen: readonly string[];
  version: string;
  /** Default: success with a restart. */
  outcome: Outcome | undefined;
  /** A handshake where it has keys; then Register. */
  connect(): Promise<void>;
  update(): Promise<string | undefined>;
  state(): number;
  result(): number;
  /** Calls back when so many bytes have come. */
  whenReceived(bytes: number): Promise<void>;
  close(): Promise<void>;
}

type OptionName = NamedOption["name"];

const segment = (name: OptionName, value: string): NamedOption => ({ name, value: Buffer.from(value) });
const pathOptions = (path: string): NamedOption[] =>
  path
    .split("/")
    .filter(Boolean)
    .map(part => segment("Uri-Path", part));

function uint(message: ParsedPacket, name: string): number | undefined {
  const found = message.options.find(option => option.name === name)?.value;
  return found?.reduce((sum, byte) => sum * 256 + byte, 0);
}

function uintOption(name: OptionName, value: number): NamedOption {
  const bytes = [value >> 16, value >> 8, value].map(byte => byte & 0xff);
  return { name, value: Buffer.from(value < 256 ? bytes.slice(2) : value < 65_536 ? bytes.slice(1) : bytes) };
}

const NEXT_VERSION = "2.0";

export async function openFirmwareDevice(options: FirmwareDeviceOptions): Promise<FirmwareDevice> {
  const { endpoint, psk, serverPort, protocols = [0, 1, 2, 3], lwm2mVersion = "1.1" } = options;
  const clock: Clock = systemClock;
  const random = createSystemRandom();
  const pipe = await openUdpPipe({ serverPort });
  const number = (value: number): SimulatedResource => ({ type: "integer", value });
  const state = number(0);
  const result = number(0);
  const uri: SimulatedResource = { type: "string", value: "", writable: true };
  const version: SimulatedResource = { type: "string", value: options.version ?? "1.0" };
  const supported: SimulatedResource = { type: "integer", value: new Map(protocols.map((value, at) => [at, value])) };
  const firmware = new Map([
    [1, uri],
    [3, state],
    [5, result],
    [8, supported],
    [9, number(options.method)],
  ]);
  const objects: SimulatedObjects = new Map([
    [3, new Map([[0, new Map([[3, version]])]])],
    [5, new Map([[0, firmware]])],
  ]);

  const observers = new Map<string, { readonly token: Uint8Array; count: number }>();
  const packages: Buffer[] = [];
  const blocks: number[] = [];
  const seen: string[] = [];
  const watchers = new Set<{ readonly bytes: number; reached(): void }>();
  let pieces: Buffer[] = [];
  let received = 0;
  let repeated = 0;
  let misplaced = 0;
  let location = "";
  let session: ClientSession | undefined;
  let dtls: DtlsClient | undefined;
  let lastId = -1;

  const content = (path: string): LaneAnswer => {
    const read = readContent(objects, parsePath(path)!, undefined);
    if ("refused" in read) return { code: read.refused };
    return { code: "2.05", options: [uintOption("Content-Format", read.format)], payload: read.payload };
  };

  /** One notification after the other: a device that tells two things at once would be answered by the later. */
  let telling = Promise.resolve();
  function tell(path: string): void {
    const observer = observers.get(path);
    if (!observer) return;
    const { options: plain = [], ...rest } = content(path);
    const answer = { ...rest, options: [uintOption("Observe", ++observer.count), ...plain] };
    telling = telling.then(async () => void (await lane.notify(observer.token, answer)));
  }

  function become(values: { readonly state?: number; readonly result?: number }): void {
    for (const [held, value, path] of [
      [result, values.result, "/5/0/5"],
      [state, values.state, "/5/0/3"],
    ] as const) {
      if (value === undefined || value === held.value) continue;
      held.value = value;
      tell(path);
    }
  }

  function reset(): LaneAnswer {
    pieces = [];
    received = 0;
    become({ state: 0, result: 0 });
    return { code: "2.04" };
  }

  function downloaded(bytes: Buffer): void {
    packages.push(bytes);
    if (device.outcome?.at === "download") become({ state: 0, result: device.outcome.result });
    else become({ state: 2 });
  }

  function takeBlock(request: ParsedPacket, option: number): LaneAnswer {
    const [num, more, size] = [option >>> 4, (option & 8) !== 0, 2 ** ((option & 7) + 4)];
    const block1 = [uintOption("Block1", option)];
    if (num === 0) {
      pieces = [];
      received = 0;
    }
    if (num * size !== received) {
      misplaced++;
      return { code: "4.08", options: block1 };
    }
    blocks.push(num);
    pieces.push(Buffer.from(request.payload));
    received += request.payload.length;
    if (num === 0) become({ state: 1 });
    for (const watcher of watchers) if (received >= watcher.bytes) watcher.reached();
    if (more) return { code: "2.31", options: block1 };
    const whole = Buffer.concat(pieces);
    pieces = [];
    queueMicrotask(() => downloaded(whole));
    return { code: "2.04", options: block1 };
  }

  async function pull(from: string): Promise<void> {
    become({ state: 1 });
    try {
      downloaded(await fetchFirmware(from, lane));
    } catch (error) {
      const isInvalid = error instanceof TypeError && "code" in error && error.code === "ERR_INVALID_URL";
      become({ state: 0, result: isInvalid ? 7 : 4 });
    }
  }

  function writeUri(request: ParsedPacket): LaneAnswer {
    const written = writeContent(
      objects,
      [5, 0, 1],
      uint(request, "Content-Format") ?? 0,
      Buffer.from(request.payload),
    );
    if ("refused" in written) return { code: written.refused };
    const value = String(uri.value);
    if (value === "" || value === "\0") return reset();
    queueMicrotask(() => void pull(value));
    return { code: "2.04" };
  }

  async function restart(): Promise<void> {
    observers.clear();
    state.value = 0;
    result.value = 1;
    version.value = NEXT_VERSION;
    await device.connect();
  }

  function execute(): LaneAnswer {
    if (state.value !== 2) return { code: "4.05" };
    become({ state: 3 });
    queueMicrotask(() => {
      if (device.outcome) become({ state: 2, result: device.outcome.result });
      else void restart();
    });
    return { code: "2.04" };
  }

  function read(request: ParsedPacket, path: string): LaneAnswer {
    const observe = uint(request, "Observe");
    if (observe === 1) observers.delete(path);
    const accept = uint(request, "Accept");
    const found = readContent(objects, parsePath(path) ?? [], accept);
    if ("refused" in found) return { code: found.refused };
    if (observe === 0) observers.set(path, { token: Uint8Array.from(request.token), count: 1 });
    const options = [...(observe === 0 ? [uintOption("Observe", 1)] : []), uintOption("Content-Format", found.format)];
    return { code: "2.05", options, payload: found.payload };
  }

  function onRequest(request: ParsedPacket): LaneAnswer {
    const path = `/${request.options
      .filter(({ name }) => name === "Uri-Path")
      .map(({ value }) => value.toString())
      .join("/")}`;
    const observe = uint(request, "Observe");
    seen.push(
      `${{ "0.01": observe === 0 ? "OBSERVE" : observe === 1 ? "CANCEL" : "GET", "0.02": "POST", "0.03": "PUT" }[request.code] ?? request.code} ${path}`,
    );
    if (request.code === "0.01") return read(request, path);
    if (request.code === "0.02") return path === "/5/0/2" ? execute() : { code: "4.05" };
    if (request.code !== "0.03") return { code: "4.05" };
    if (path === "/5/0/1") return writeUri(request);
    if (path !== "/5/0/0") return { code: "2.04" };
    const block1 = uint(request, "Block1");
    if (block1 !== undefined) return takeBlock(request, block1);
    if (request.payload.length === 1 && request.payload[0] === 0) return reset();
    const whole = Buffer.from(request.payload);
    queueMicrotask(() => downloaded(whole));
    return { code: "2.04" };
  }

  const lane: CoapLane = createCoapLane({
    clock,
    random,
    ackTimeoutMs: options.ackTimeoutMs,
    send(bytes) {
      if (!psk) pipe.send(bytes);
      else if (dtls?.isConnected) dtls.send(bytes);
    },
    onRequest(request) {
      lastId = request.messageId;
      return onRequest(request);
    },
  });
  const receive = (bytes: Uint8Array): void => {
    const isRequest = (bytes[1]! & 0xe0) === 0 && bytes[1] !== 0;
    const id = (bytes[2]! << 8) | bytes[3]!;
    if (isRequest && id === lastId) repeated++;
    lane.receive(bytes);
  };
  pipe.deliverTo(datagram => (psk ? dtls?.receive(datagram) : receive(datagram)));

  async function handshake(): Promise<void> {
    if (!psk || dtls?.isConnected) return;
    const again = session ? { session } : {};
    dtls = createDtlsClient({ clock, random, psk, cid: undefined, ...again, send: pipe.send, onData: receive });
    session = (await dtls.connect()).session;
  }

  async function request(path: string, query: readonly string[], payload: string): Promise<ParsedPacket | undefined> {
    const format = payload === "" ? [] : [uintOption("Content-Format", 40)];
    return lane.request({
      code: "0.02",
      options: [...pathOptions(path), ...format, ...query.map(part => segment("Uri-Query", part))],
      payload: Buffer.from(payload),
    });
  }

  const close = async (): Promise<void> => {
    lane.close();
    await pipe.close();
  };

  const device: FirmwareDevice = {
    endpoint,
    packages,
    blocks,
    seen,
    get repeated() {
      return repeated;
    },
    get misplaced() {
      return misplaced;
    },
    get received() {
      return received;
    },
    get uri() {
      return uri.value as string | undefined;
    },
    get version() {
      return version.value as string;
    },
    set version(next) {
      version.value = next;
    },
    outcome: undefined,
    async connect() {
      await handshake();
      const query = [`ep=${endpoint}`, "lt=86400", `lwm2m=${lwm2mVersion}`, "b=U"];
      const answer = await request("/rd", query, registrationLinks(objects, lwm2mVersion));
      if (answer?.code !== "2.01") throw new Error(`Register of ${endpoint}: ${answer?.code ?? "no answer"}`);
      const parts = answer.options.filter(({ name }) => name === "Location-Path").map(({ value }) => value.toString());
      location = `/${parts.join("/")}`;
    },
    update: async () => (await request(location, [], ""))?.code,
    state: () => state.value as number,
    result: () => result.value as number,
    whenReceived: bytes =>
      new Promise(resolve => {
        const watcher = {
          bytes,
          reached() {
            watchers.delete(watcher);
            resolve();
          },
        };
        watchers.add(watcher);
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
  return device;
}
