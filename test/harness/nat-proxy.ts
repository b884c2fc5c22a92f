/**
 * A NAT router between devices and the server: each device gets a port of the proxy's own towards the server, which moves on
 * demand or by itself. It keeps datagrams with their times, sends kept ones again, and loses, repeats and delays with repeatable chance.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createSeededRandom } from "@mooring/core/internal/base/random.ts";

/** Of each direction alike. All default to nothing. */
export interface Faults {
  /** Share that is lost, 0..1. */
  readonly loss?: number;
  /** Loses exactly one of so many in a row, each direction and device for itself, which one by chance: 4 is a loss of 25 %. */
  readonly losesOneOf?: number;
  /** Share that arrives twice, 0..1. */
  readonly duplication?: number;
  /** Least and greatest time on the way in ms; datagrams overtake each other where these differ. */
  readonly delayMs?: readonly [least: number, greatest: number];
}

export interface NatProxyOptions {
  readonly serverPort: number;
  /** Default `127.0.0.1`. */
  readonly serverHost?: string;
  /** Address that devices take for the server's; default `127.0.0.1`. */
  readonly host?: string;
  /** Moves every device to another port after each such pause. */
  readonly rebindEveryMs?: number;
  readonly faults?: Faults;
  /** Of the faults; the same seed and traffic give the same losses. */
  readonly seed?: number;
  /** Default true. Without it only {@link NatProxyOptions.onDatagram} sees what passes. */
  readonly keeps?: boolean;
  /** Called for each datagram before its fate is thrown; the bytes are the callee's to keep. */
  readonly onDatagram?: (datagram: PassedDatagram) => void;
}

export interface PassedDatagram {
  readonly direction: "toServer" | "toDevice";
  /** Port of the device. */
  readonly devicePort: number;
  /** Since the proxy was opened. */
  readonly atMs: number;
  readonly bytes: Buffer;
}

export interface NatProxy extends AsyncDisposable {
  /** What devices take for the server's port. */
  readonly port: number;
  /** Oldest first. */
  readonly passed: readonly PassedDatagram[];
  readonly counters: Readonly<{ toServer: number; toDevice: number; lost: number; repeated: number; rebinds: number }>;
  /** Ports that the server sees now, by the port of the device. */
  readonly ports: ReadonlyMap<number, number>;
  setFaults(faults: Faults): void;
  /** Gives every device another port; what comes to the former one is lost, as behind a router. */
  rebind(): Promise<void>;
  /** Sends a datagram to the server once more, from the device's present port or from a fresh one; no faults. */
  replay(datagram: PassedDatagram, from?: "device" | "stranger"): Promise<void>;
  close(): Promise<void>;
}

interface Lane {
  readonly devicePort: number;
  outside: Socket;
}

async function openSocket(address = "127.0.0.1"): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
  socket.bind(0, address);
  await once(socket, "listening");
  // What a closed port sends back is a loss like any other.
  socket.on("error", () => {});
  return socket;
}

export async function openNatProxy(options: NatProxyOptions): Promise<NatProxy> {
  const { serverPort, serverHost = "127.0.0.1", rebindEveryMs, keeps = true, onDatagram, seed = 1 } = options;
  const random = createSeededRandom(seed);
  const inside = await openSocket(options.host);
  const openedAtMs = performance.now();
  const lanes = new Map<number, Promise<Lane>>();
  const ports = new Map<number, number>();
  const passed: PassedDatagram[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const counters = { toServer: 0, toDevice: 0, lost: 0, repeated: 0, rebinds: 0 };
  let faults: Faults = options.faults ?? {};
  let closed = false;

  /** For each direction and device: how many of the row have come, and which of them is lost. */
  const rows = new Map<string, { count: number; lost: number }>();
  const isLostOf = (row: string, length: number): boolean => {
    const { count, lost } = rows.get(row) ?? { count: 0, lost: random.int(length) };
    rows.set(row, count + 1 < length ? { count: count + 1, lost } : { count: 0, lost: random.int(length) });
    return count === lost;
  };
  const happens = (share = 0): boolean => share > 0 && random.fraction() < share;
  const carry = (deliver: () => void): void => {
    if (!faults.delayMs) {
      deliver();
      return;
    }
    const [least, greatest] = faults.delayMs;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        if (!closed) deliver();
      },
      least + random.fraction() * (greatest - least),
    );
    timers.add(timer);
  };
  const pass = (direction: PassedDatagram["direction"], devicePort: number, bytes: Buffer, deliver: () => void) => {
    counters[direction]++;
    const datagram: PassedDatagram = { direction, devicePort, atMs: performance.now() - openedAtMs, bytes };
    onDatagram?.(datagram);
    if (keeps) passed.push(datagram);
    const { loss, losesOneOf } = faults;
    if (losesOneOf === undefined ? happens(loss) : isLostOf(`${direction} ${devicePort}`, losesOneOf)) {
      counters.lost++;
      return;
    }
    carry(deliver);
    if (happens(faults.duplication)) {
      counters.repeated++;
      carry(deliver);
    }
  };

  const toDevice = (socket: Socket, devicePort: number): void =>
    void socket.on("message", bytes =>
      pass("toDevice", devicePort, bytes, () => closed || inside.send(bytes, devicePort, "127.0.0.1")),
    );
  const openOutside = async (devicePort: number): Promise<Socket> => {
    const socket = await openSocket();
    toDevice(socket, devicePort);
    ports.set(devicePort, socket.address().port);
    return socket;
  };
  const laneOf = (devicePort: number): Promise<Lane> => {
    const known = lanes.get(devicePort);
    if (known) return known;
    const opening = openOutside(devicePort).then((outside): Lane => ({ devicePort, outside }));
    lanes.set(devicePort, opening);
    return opening;
  };
  const toServer = (lane: Lane, bytes: Buffer): void => {
    if (!closed) lane.outside.send(bytes, serverPort, serverHost);
  };
  inside.on("message", (bytes, { port }) => {
    void laneOf(port).then(lane => pass("toServer", port, bytes, () => toServer(lane, bytes)));
  });

  const moveAll = async (): Promise<void> => {
    if (closed) return;
    counters.rebinds++;
    for (const opening of [...lanes.values()]) {
      const lane = await opening;
      const former = lane.outside;
      lane.outside = await openOutside(lane.devicePort);
      former.close();
    }
  };
  /** One after the other: each closes the sockets that the one before opened. */
  let moving = Promise.resolve();
  const rebind = (): Promise<void> => {
    moving = moving.then(moveAll);
    return moving;
  };
  const mover = rebindEveryMs === undefined ? undefined : setInterval(() => void rebind(), rebindEveryMs);
  mover?.unref();

  const sendOnce = (socket: Socket, bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) =>
      socket.send(bytes, serverPort, serverHost, error => (error ? reject(error) : resolve())),
    );
  const closeSocket = (socket: Socket): Promise<void> => new Promise(resolve => socket.close(() => resolve()));
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    clearInterval(mover);
    for (const timer of timers) clearTimeout(timer);
    // What comes in and what moves opens sockets; then there are no more.
    await closeSocket(inside);
    await moving;
    const open = await Promise.all(lanes.values());
    await Promise.all(open.map(({ outside }) => closeSocket(outside)));
  };

  return {
    port: inside.address().port,
    passed,
    counters,
    ports,
    setFaults(next) {
      faults = next;
    },
    rebind,
    async replay({ devicePort, bytes }, from = "device") {
      if (from === "device") return sendOnce((await laneOf(devicePort)).outside, bytes);
      const stranger = await openSocket();
      await sendOnce(stranger, bytes);
      await closeSocket(stranger);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
