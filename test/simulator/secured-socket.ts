/**
 * A DTLS session that looks like a UDP socket, so that the `coap` package runs over it: what is sent is sealed, a "message" is what
 * was opened. The session can be renewed and its local port can change underneath.
 */
import { createSocket, type Socket } from "node:dgram";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import type { ClientEstablished } from "./dtls/client-handshake.ts";
import type { ClientSession, DtlsClientOptions } from "./dtls/client-options.ts";
import { createDtlsClient, type DtlsClient } from "./dtls/dtls-client.ts";
import { openUdpPipe, type UdpPipe, type UdpPipeOptions } from "./dtls/udp-pipe.ts";

export interface SecuredSocketOptions extends DtlsClientOptions, UdpPipeOptions {}

export interface SecuredSocket {
  /** For `coap`; closing it says close_notify. */
  readonly socket: Socket;
  readonly pipe: UdpPipe;
  /** The client of the present session. */
  readonly dtls: DtlsClient;
  readonly established: ClientEstablished;
  /** A new handshake from the same port, with the former session where it `resumes`. @throws HandshakeRefused; the former session goes on then */
  renew(resumes?: boolean): Promise<ClientEstablished>;
}

type Sent = (error: Error | null, bytes: number) => void;

/** @throws HandshakeRefused; nothing is left open then */
export async function openSecuredSocket(options: SecuredSocketOptions): Promise<SecuredSocket> {
  const { serverPort: port, serverHost: address = "127.0.0.1" } = options;
  const random = createSystemRandom();
  const pipe = await openUdpPipe(options);
  // Never bound: it lends its type and its events.
  const socket = createSocket("udp4");
  const onData = (bytes: Uint8Array): void =>
    void socket.emit("message", Buffer.from(bytes), { address, port, family: "IPv4", size: bytes.length });

  const handshake = async (session: ClientSession | undefined): Promise<[DtlsClient, ClientEstablished]> => {
    const resumed = session ? { session } : {};
    const client = createDtlsClient({ ...options, ...resumed, clock: systemClock, random, onData, send: pipe.send });
    pipe.deliverTo(client.receive);
    return [client, await client.connect()];
  };

  let [dtls, established] = await handshake(options.session).catch(async error => {
    await pipe.close();
    throw error;
  });
  Object.assign(socket, {
    address: () => ({ address: "127.0.0.1", port: pipe.port, family: "IPv4" }),
    send(bytes: Buffer, offset: number, length: number, _port: number, _address: string, sent?: Sent) {
      if (dtls.isConnected) dtls.send(bytes.subarray(offset, offset + length));
      sent?.(null, length);
    },
    close(closed?: () => void) {
      dtls.close();
      void pipe.close().then(() => {
        socket.emit("close");
        closed?.();
      });
      return socket;
    },
  });
  return {
    socket,
    pipe,
    get dtls() {
      return dtls;
    },
    get established() {
      return established;
    },
    async renew(resumes = true) {
      try {
        [dtls, established] = await handshake(resumes ? established.session : undefined);
        return established;
      } catch (error) {
        pipe.deliverTo(dtls.receive);
        throw error;
      }
    },
  };
}
