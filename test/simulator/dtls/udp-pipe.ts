/** A UDP socket as the way of a DTLS client's datagrams; its local port can change in mid-session. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

export interface UdpPipe extends AsyncDisposable {
  /** Port that the server sees. */
  readonly port: number;
  send(datagram: Uint8Array): void;
  /** Who takes what comes in from now on. */
  deliverTo(receive: (datagram: Uint8Array) => void): void;
  /** Goes on from another local port; what comes to the former one is lost. */
  rebind(): Promise<void>;
  close(): Promise<void>;
}

export interface UdpPipeOptions {
  readonly serverPort: number;
  /** Default `127.0.0.1`. */
  readonly serverHost?: string;
  /** Address of the client's own socket; default `127.0.0.1`. */
  readonly bindAddress?: string;
}

async function bind(address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  // A server that is away sends back that nobody listens; a client does not mind.
  socket.on("error", () => {});
  return socket;
}

export async function openUdpPipe(options: UdpPipeOptions): Promise<UdpPipe> {
  const { serverPort, serverHost = "127.0.0.1", bindAddress = "127.0.0.1" } = options;
  let receive: (datagram: Uint8Array) => void = () => {};
  let closed = false;
  const take = (bytes: Uint8Array): void => receive(bytes);
  let socket = (await bind(bindAddress)).on("message", take);
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await new Promise<void>(resolve => socket.close(resolve));
  };
  return {
    get port() {
      return socket.address().port;
    },
    send(datagram) {
      if (!closed) socket.send(datagram, serverPort, serverHost);
    },
    deliverTo(next) {
      receive = next;
    },
    async rebind() {
      const former = socket;
      socket = (await bind(bindAddress)).on("message", take);
      former.close();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
