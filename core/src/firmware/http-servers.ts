/** The two ports that devices fetch firmware from over HTTP (agent specification 2, 14.3). */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { listen } from "../http/listen.ts";
import type { ServerCertificate } from "../transport/dtls/server-certificate.ts";
import { pemOf } from "../x509/pem.ts";
import { createSelfSigned } from "../x509/self-signed.ts";
import type { FirmwareDownloads } from "./downloads.ts";
import { createHttpDownloads } from "./http-download.ts";

export interface FirmwareHttpOptions {
  /** Address that both listen on. */
  readonly host: string;
  /** 0 takes any free one. */
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Name of the certificate that is made where none is given. */
  readonly address: string;
  /** Of each port; whoever comes after them is not let in. */
  readonly maxConnections: number;
}

export interface FirmwareHttpParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly options: FirmwareHttpOptions;
}

export interface FirmwareHttpServers extends AsyncDisposable {
  /** The real ones. */
  readonly ports: Readonly<Record<"http" | "https", number>>;
  /** From now on firmware is handed out; before, requests are sent away with 503. */
  start(downloads: Pick<FirmwareDownloads, "find">): void;
  /** For new connections over HTTPS. Undefined: the one made here. */
  useCertificate(certificate: Pick<ServerCertificate, "chain" | "privateKey"> | undefined): void;
}

/** Requests have no body; an answer may take as long as its device takes bytes. */
const TIMEOUTS = { requestTimeout: 30_000, headersTimeout: 20_000, keepAliveTimeout: 30_000 };
/** A connection over which nothing moves for so long is gone: longer than a device on NB-IoT is out of reach between two cells. */
const SILENCE_MS = 300_000;
/** What is cut by an end of the host goes on with a range. */
const DRAIN_MS = 1000;

const notYet: RequestListener = (_request, response) => void response.writeHead(503, { "Retry-After": "1" }).end();

const toTls = ({ chain, privateKey }: Pick<ServerCertificate, "chain" | "privateKey">) => ({
  cert: chain.map(pemOf).join(""),
  key: privateKey.export({ type: "pkcs8", format: "pem" }),
});

/** @throws MooringError CONFIG_INVALID when a port cannot be had */
export async function openFirmwareServers(parts: FirmwareHttpParts): Promise<FirmwareHttpServers> {
  const { clock, random, log, options } = parts;
  const { host, httpPort, httpsPort, address, maxConnections } = options;
  await using opened = new AsyncDisposableStack();
  const own = createSelfSigned(address, clock.now(), random);
  const ownTls = toTls({ chain: [own.certificate.der], privateKey: own.privateKey });
  const handlers: Record<"http" | "https", RequestListener> = { http: notYet, https: notYet };
  const plain = createServer(TIMEOUTS, (request, response) => handlers.http(request, response));
  const tls = { ...TIMEOUTS, ...ownTls, minVersion: "TLSv1.2" } as const;
  const secured = createTlsServer(tls, (request, response) => handlers.https(request, response));

  async function open(server: Server | TlsServer, port: number): Promise<number> {
    server.maxConnections = maxConnections;
    server.timeout = SILENCE_MS;
    return opened.use(await listen(server, clock, { host, port, drainMs: DRAIN_MS })).address.port;
  }

  const ports = { http: await open(plain, httpPort), https: await open(secured, httpsPort) };
  const owned = opened.move();
  return {
    ports,
    start(downloads) {
      for (const protocol of ["http", "https"] as const) {
        handlers[protocol] = createHttpDownloads({ downloads, log, protocol });
      }
    },
    useCertificate(certificate) {
      secured.setSecureContext({ ...(certificate ? toTls(certificate) : ownTls), minVersion: "TLSv1.2" });
      const fingerprint = certificate ? undefined : own.certificate.x509.fingerprint256;
      log.info("firmware.certificate", { selfSigned: certificate === undefined, ...(fingerprint && { fingerprint }) });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
