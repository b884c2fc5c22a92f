/** A remote service as the text that stands for a decoder's source in store and runtime: JSON whose header values are sealed. */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import type { SecretBox } from "../../base/secret-box.ts";
import { ENCRYPTED } from "../../tenants/tenant-options.ts";
import { checkRemoteService, type RemoteService } from "./remote-service.ts";

type Change = (text: string, name: string) => string;

const withHeaders = (service: RemoteService, change: Change): RemoteService => {
  if (!service.headers) return service;
  const headers = Object.entries(service.headers).map(([name, text]) => [name, change(text, name)]);
  return { ...service, headers: Object.fromEntries(headers) };
};

const contextOf = (decoderId: string, header: string): string => `decoderServices/${decoderId}/${header}`;

/** @param decoderId whose service it is: its headers open under no other */
export const sealService = (service: RemoteService, decoderId: string, box: SecretBox): string =>
  JSON.stringify(
    withHeaders(service, (text, name) => box.seal(encodeUtf8(text), contextOf(decoderId, name.toLowerCase()))),
  );

/** @throws MooringError DECODER_INVALID where it is none, or was sealed under another key */
export function openService(sealed: string, decoderId: string, box: SecretBox): RemoteService {
  try {
    const service = JSON.parse(sealed) as RemoteService;
    return checkRemoteService(
      withHeaders(service, (text, name) => decodeUtf8(box.open(text, contextOf(decoderId, name.toLowerCase())))!),
    );
  } catch (cause) {
    const why = cause instanceof MooringError ? cause.message : "is no service";
    throw new MooringError("DECODER_INVALID", `decoder service ${decoderId}: ${why}`, { why }, { cause });
  }
}

/** For people: names of headers, never their values. */
export const shownService = (sealed: string): RemoteService =>
  withHeaders(JSON.parse(sealed) as RemoteService, () => ENCRYPTED);
