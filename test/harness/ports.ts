/**
 * Ports of the loopback interface for what is ended and started again on the same ones. A port that the system picks (bind to 0) it
 * gives to the next socket that asks, of any process, while nobody holds it; these are outside of what it picks from. Each process has
 * blocks of its own: it listens on the first port of a block for as long as it lives, so that no other process takes from that block.
 */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";

const HOST = "127.0.0.1";
const BLOCK = 128;
/** Below are the ports that services are known by. */
const LOWEST = 10_240;
const HIGHEST = 65_535;
/** Of Linux; other systems begin higher. */
const PICKED_BY_DEFAULT = [32_768, HIGHEST] as const;

type Range = readonly [first: number, last: number];

/** What the system picks from for sockets without a port of their own: `/proc/sys/net/ipv4/ip_local_port_range`. */
function pickedBySystem(): Range {
  try {
    const [first, last] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")
      .trim()
      .split(/\s+/)
      .map(Number);
    return first && last ? [first, last] : PICKED_BY_DEFAULT;
  } catch {
    return PICKED_BY_DEFAULT;
  }
}

/** The longer one of the ranges below and above; where a system picks from all, the range that most leave. */
export function portsOutside([first, last]: Range): Range {
  const length = (range: Range): number => range[1] - range[0] + 1;
  const below: Range = [LOWEST, first - 1];
  const above: Range = [Math.max(last + 1, LOWEST), HIGHEST];
  const longer = length(below) >= length(above) ? below : above;
  return length(longer) >= BLOCK ? longer : [LOWEST, PICKED_BY_DEFAULT[0] - 1];
}

/** @returns undefined where the port is held by somebody */
function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server));
  });
}

function isFreeForDatagrams(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", (error: NodeJS.ErrnoException) =>
      socket.close(() => (error.code === "EADDRINUSE" ? resolve(false) : reject(error))),
    );
    socket.bind({ port, address: HOST, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

/** For TCP and for UDP. */
async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port);
  if (!server) return false;
  await new Promise(resolve => server.close(resolve));
  return isFreeForDatagrams(port);
}

function createPorts(): () => Promise<number> {
  const [first, last] = portsOutside(pickedBySystem());
  const blocks = Math.floor((last - first + 1) / BLOCK);
  let block = process.pid % blocks;
  let [next, end] = [0, 0];

  const openBlock = async (): Promise<void> => {
    for (let tried = 0; tried < blocks; tried++) {
      block = (block + 1) % blocks;
      const start = first + block * BLOCK;
      const guard = await listenOn(start);
      if (!guard) continue;
      guard.unref();
      [next, end] = [start + 1, start + BLOCK];
      return;
    }
    throw new Error(`no block of ${BLOCK} ports between ${first} and ${last} is free`);
  };
  return async () => {
    for (;;) {
      if (next === end) await openBlock();
      const port = next++;
      if (await isFree(port)) return port;
    }
  };
}

const nextPort = createPorts();
let last: Promise<unknown> = Promise.resolve();

/**
 * A port that nobody else is given while this process lives, for TCP, UDP or both; it is not given twice.
 * @throws Error where no block is left
 */
export function takePort(): Promise<number> {
  const taking = last.then(nextPort);
  last = taking.catch(() => {});
  return taking;
}
