/** A device that has nothing but its bootstrap account: it asks for its server accounts and is given them (LwM2M Core 1.1.1 section 6.1). */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Agent, type IncomingMessage, type OutgoingMessage, Server } from "coap";
import { type BootstrapObjects, createBootstrapObjects, type GivenAccount } from "./bootstrap-objects.ts";
import { LINK_FORMAT, TLV } from "./content.ts";
import type { PskCredentials } from "./dtls/client-options.ts";
import { openSecuredSocket } from "./secured-socket.ts";

export interface BootstrapOptions {
  readonly endpoint: string;
  readonly serverHost?: string;
  readonly serverPort: number;
  /** Absent: NO_SEC. */
  readonly psk?: PskCredentials;
  /** Preferred Content-Format (`pct`); the simulator writes and reads TLV whatever it says. */
  readonly pct?: number;
  /** How long the whole session may take, default 30,000. */
  readonly withinMs?: number;
}

export interface Bootstrapped {
  /** At least one. */
  readonly accounts: readonly GivenAccount[];
  readonly objects: BootstrapObjects["objects"];
  /** What the server did, in order: `DELETE /0 2.02`. */
  readonly seen: readonly string[];
}

interface Reply {
  readonly code: string;
  readonly format?: number;
  readonly payload?: Buffer;
}

async function openPlain(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

function replyTo(objects: BootstrapObjects, request: IncomingMessage): Reply {
  const [path = "/"] = request.url.split("?");
  if (request.method === "DELETE") return { code: objects.remove(path) };
  if (request.method === "PUT") return { code: objects.write(path, request.payload) };
  if (request.method !== "GET") return { code: "4.05" };
  if (request.headers["Accept"] === "application/link-format") {
    const links = objects.discover(path);
    return links === undefined ? { code: "4.04" } : { code: "2.05", format: LINK_FORMAT, payload: Buffer.from(links) };
  }
  const tlv = objects.read(path);
  return tlv ? { code: "2.05", format: TLV, payload: tlv } : { code: "4.04" };
}

/** Answers the bootstrap server until it finishes with accounts that are whole; a Finish before is answered 4.06. */
function serve(
  socket: Socket,
  objects: BootstrapObjects,
  seen: string[],
): { readonly server: Server; readonly finished: Promise<void> } {
  const server = new Server({});
  const finished = new Promise<void>(resolve => {
    server.on("request", (request: IncomingMessage, response: OutgoingMessage) => {
      response.on("error", () => {});
      const isFinish = request.method === "POST" && request.url === "/bs";
      const isWhole = objects.accounts().length > 0;
      const reply: Reply = isFinish ? { code: isWhole ? "2.04" : "4.06" } : replyTo(objects, request);
      seen.push(`${request.method} ${request.url} ${reply.code}`);
      response.statusCode = reply.code;
      if (reply.format !== undefined) response.setOption("Content-Format", reply.format);
      response.end(reply.payload);
      // The answer goes out before the socket may be closed.
      if (isFinish && isWhole) setImmediate(resolve);
    });
  });
  server.listen(socket);
  return { server, finished };
}

/** POST /bs. @throws Error with the code when it is refused */
async function ask(
  { endpoint, serverHost = "127.0.0.1", serverPort, pct }: BootstrapOptions,
  agent: Agent,
): Promise<void> {
  const query = `ep=${endpoint}${pct === undefined ? "" : `&pct=${pct}`}`;
  const request = agent.request({ hostname: serverHost, port: serverPort, method: "POST", pathname: "/bs", query });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
    request.once("timeout", reject);
    request.end();
  });
  if (response.code !== "2.04") throw new Error(`bootstrap of ${endpoint}: ${response.code} ${response.payload}`);
}

/** One whole session. @throws Error when it is refused or does not finish in time; nothing is left open */
export async function bootstrapDevice(options: BootstrapOptions): Promise<Bootstrapped> {
  const { endpoint, serverHost = "127.0.0.1", serverPort, psk, withinMs = 30_000 } = options;
  const objects = createBootstrapObjects(`${psk ? "coaps" : "coap"}://${serverHost}:${serverPort}`);
  const seen: string[] = [];
  const socket = psk ? (await openSecuredSocket({ serverPort, serverHost, psk })).socket : await openPlain();
  const agent = new Agent({ socket });
  agent.on("error", () => {});
  const { server, finished } = serve(socket, objects, seen);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`bootstrap of ${endpoint} did not finish: ${seen.join(", ")}`)),
      withinMs,
    );
  });
  try {
    await Promise.race([ask(options, agent).then(() => finished), late]);
    return { accounts: objects.accounts(), objects: objects.objects, seen };
  } finally {
    clearTimeout(timer);
    server.close();
    agent.close();
    await new Promise<void>(resolve => socket.close(resolve));
  }
}
