/** A DTLS client on a socket of its own. */
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { createSystemRandom, type Random } from "@mooring/core/internal/base/random.ts";
import type { ClientEstablished } from "./client-handshake.ts";
import type { DtlsClientOptions } from "./client-options.ts";
import { createDtlsClient, type DtlsClient } from "./dtls-client.ts";
import { openUdpPipe, type UdpPipe, type UdpPipeOptions } from "./udp-pipe.ts";

export interface UdpDtlsOptions extends DtlsClientOptions, UdpPipeOptions {
  /** Shared by many clients; default: one of its own. */
  readonly random?: Random;
  readonly onData?: (bytes: Uint8Array) => void;
  readonly onEnd?: (why: string) => void;
}

export interface UdpDtlsClient extends AsyncDisposable {
  readonly client: DtlsClient;
  readonly pipe: UdpPipe;
  readonly established: ClientEstablished;
}

/** @throws HandshakeRefused; nothing is left open then */
export async function connectDtls(options: UdpDtlsOptions): Promise<UdpDtlsClient> {
  const { random = createSystemRandom(), onData = () => {} } = options;
  const pipe = await openUdpPipe(options);
  const client = createDtlsClient({ ...options, clock: systemClock, random, onData, send: pipe.send });
  pipe.deliverTo(client.receive);
  try {
    const established = await client.connect();
    return {
      client,
      pipe,
      established,
      async [Symbol.asyncDispose]() {
        client.close();
        await pipe.close();
      },
    };
  } catch (error) {
    await pipe.close();
    throw error;
  }
}
