/** A LwM2M 1.1 device without security that registers and sends what it is told: the other end of a host while a decoder is tried. */
import { MooringError, parsePath } from "@mooring/core";
import { EMPTY_BYTES, encodeUtf8 } from "@mooring/core/internal/base/bytes.ts";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import { CODES, formatCode, isSuccess } from "@mooring/core/internal/coap/codes.ts";
import { createCoapEndpoint, type EndpointLimits } from "@mooring/core/internal/coap/endpoint.ts";
import type { CoapRequest, CoapResponse } from "@mooring/core/internal/coap/request.ts";
import { DEFAULT_TRANSMISSION, type TransmissionParameters } from "@mooring/core/internal/coap/transmission.ts";
import { CONTENT_FORMAT } from "@mooring/core/internal/lwm2m/codecs/codec.ts";
import { openUdpTransport } from "@mooring/core/internal/transport/udp/udp-transport.ts";

const LIFETIME_SECONDS = 300;
/** It stands beside its host, or asks for one that is not there: 21 s are enough to tell. */
const TRANSMISSION: TransmissionParameters = { ...DEFAULT_TRANSMISSION, maxRetransmit: 2 };
const MIB = 1024 * 1024;
const LIMITS: EndpointLimits = {
  maxBodyBytes: MIB,
  maxTransfersPerPeer: 4,
  maxTransfers: 4,
  maxTransferBytes: 4 * MIB,
  maxPeers: 4,
  maxRequestsInFlight: 16,
  blockSzx: 6,
};

export interface SimulatedDeviceOptions {
  /** Port for devices without security of a host that knows the endpoint as such; the address is a literal. */
  readonly host: { readonly address: string; readonly port: number };
  readonly endpoint: string;
  /** Object instances that it has, beside the device object: `/33456/0`. */
  readonly instances: readonly string[];
}

export interface SimulatedDevice extends AsyncDisposable {
  /**
   * Sends the value of an opaque resource (LwM2M Core 1.1.1 section 6.4.6); resolves when the host has answered that it is stored.
   * @param path `/33456/0/123`
   * @throws MooringError CONFLICT where the host refuses, EXCHANGE_TIMEOUT where none answers
   */
  send(path: string, value: Uint8Array): Promise<void>;
}

function assertGood({ code, payload }: CoapResponse, doing: string): void {
  if (isSuccess(code)) return;
  const why = new TextDecoder().decode(payload);
  throw new MooringError(
    "CONFLICT",
    `${doing}: the host answers ${formatCode(code)}${why === "" ? "" : ` ${why}`}`,
    {},
  );
}

/** Registered when it is there. Closing it takes it off again. @throws MooringError as `send` */
export async function openSimulatedDevice(options: SimulatedDeviceOptions): Promise<SimulatedDevice> {
  const { host, endpoint, instances } = options;
  await using opened = new AsyncDisposableStack();
  const any = host.address.includes(":") ? "::" : "0.0.0.0";
  const transport = opened.use(await openUdpTransport({ host: any, port: 0, log: silentLog }));
  const coap = opened.use(
    createCoapEndpoint({
      transport,
      clock: systemClock,
      random: createSystemRandom(),
      log: silentLog,
      transmission: TRANSMISSION,
      limits: LIMITS,
      // It reports by itself: what is read or observed as well would be in the data twice.
      onRequest: () => ({ code: CODES.NOT_FOUND, payload: EMPTY_BYTES }),
    }),
  );
  const peer = { key: `udp:${host.address}:${host.port}`, ...host };
  const ask = (request: Partial<CoapRequest> & Pick<CoapRequest, "method" | "path">): Promise<CoapResponse> =>
    coap.request(peer, { query: [], payload: EMPTY_BYTES, ...request });

  const registered = await ask({
    method: "POST",
    path: ["rd"],
    query: [`ep=${endpoint}`, `lt=${LIFETIME_SECONDS}`, "lwm2m=1.1", "b=U"],
    contentFormat: CONTENT_FORMAT.LINK,
    payload: encodeUtf8(["/1/0", "/3/0", ...instances].map(path => `<${path}>`).join()),
  });
  assertGood(registered, `registering ${endpoint}`);
  opened.defer(async () => void (await ask({ method: "DELETE", path: registered.locationPath ?? [] })));
  const open = opened.move();
  return {
    async send(path, value) {
      parsePath(path);
      const record = [{ n: path, vd: Buffer.from(value).toString("base64url") }];
      const payload = encodeUtf8(JSON.stringify(record));
      assertGood(
        await ask({ method: "POST", path: ["dp"], contentFormat: CONTENT_FORMAT.SENML_JSON, payload }),
        `sending ${path}`,
      );
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
