/** `GET /fw/<token>` over CoAP and CoAPS: blocks in any order and from any place, each by itself (RFC 7959 section 2.4). */
import { EMPTY_BYTES, fromHex } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { CODES } from "../coap/codes.ts";
import type { CoapRequest, CoapResponse } from "../coap/request.ts";
import { CONTENT_FORMAT } from "../lwm2m/codecs/codec.ts";
import { sameIdentity } from "../lwm2m/registration/peer-identity.ts";
import type { Registration } from "../lwm2m/registration/registration.ts";
import type { Registrations } from "../lwm2m/registration/registrations.ts";
import type { Peer } from "../transport/transport.ts";
import type { FirmwareDownloads } from "./downloads.ts";

/**
 * Many devices fetch with another socket than the one that they registered with, so that a port says nothing. `same-ip`: who proves
 * nothing must come from the address of the device; `anywhere`: the token is enough, for networks whose addresses change between two
 * sockets. Who has proved to be somebody must be the device in either case.
 */
export type FetchFrom = "same-ip" | "anywhere";

export interface CoapDownloadParts {
  readonly downloads: Pick<FirmwareDownloads, "find">;
  readonly log: Log;
  readonly fetchFrom: FetchFrom;
  /** Largest size exponent of blocks, 0..6. */
  readonly blockSzx: number;
}

export type AnswerFetch = (
  request: CoapRequest,
  peer: Peer,
  registrations: Pick<Registrations, "byDevice">,
) => Promise<CoapResponse>;

const ETAG_BYTES = 8;

/** Whether the peer may have what is for the device. A device that is not registered is not known by any address. */
export function mayFetch(registration: Registration | undefined, peer: Peer, fetchFrom: FetchFrom): boolean {
  if (!registration) return false;
  const { identity, address } = registration.peer;
  if (peer.identity && identity) return sameIdentity(peer.identity, identity);
  return fetchFrom === "anywhere" || peer.address === address;
}

/** The same for a stranger's token and for none: who asks learns nothing. */
const nothingHere = (): MooringError => new MooringError("NOT_FOUND", "nothing is offered here");

function checkRequest({ method, path, accept }: CoapRequest): string {
  const [, token, ...more] = path;
  if (token === undefined || more.length > 0) throw nothingHere();
  if (method !== "GET") throw new MooringError("METHOD_NOT_ALLOWED", `${method} is not for firmware`, { method });
  if (accept !== undefined && accept !== CONTENT_FORMAT.OPAQUE) {
    throw new MooringError("NOT_ACCEPTABLE", "firmware comes as octets (42)", { accept });
  }
  return token;
}

export function createCoapDownloads({ downloads, log, fetchFrom, blockSzx }: CoapDownloadParts): AnswerFetch {
  return async (request, peer, registrations) => {
    const served = await downloads.find(checkRequest(request));
    if (!served) throw nothingHere();
    const { tenant, deviceId, operationId, length, sha256, read } = served;
    if (!mayFetch(registrations.byDevice(tenant, deviceId), peer, fetchFrom)) {
      log.info("firmware.refused", { operationId, deviceId, peer: peer.key });
      throw nothingHere();
    }
    const protocol = peer.identity ? "coaps" : "coap";
    return {
      code: CODES.CONTENT,
      contentFormat: CONTENT_FORMAT.OPAQUE,
      etag: fromHex(sha256.slice(0, 2 * ETAG_BYTES)),
      payload: EMPTY_BYTES,
      body: { length, read: (at, count) => read(protocol, at, count) },
      blockSzx,
    };
  };
}
