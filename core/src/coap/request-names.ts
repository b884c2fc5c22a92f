/** Names of requests that are set aside, so that a request can be sent again under the same ones (see endpoint.ts). */
import type { NameSupply, RequestNames } from "./endpoint.ts";

/** Requests of one piece of work that get them: most have one, a refused format, a pause or an observation take some more. */
export const NAMES_RESERVED = 4;

/** The names in order: message ids follow each other, tokens differ in their last byte. */
export function supplyNames({ messageId, token }: RequestNames): NameSupply {
  let given = 0;
  return {
    next() {
      if (given === NAMES_RESERVED) return undefined;
      const own = Uint8Array.from(token);
      own[own.length - 1]! ^= given;
      return { messageId: (messageId + given++) & 0xffff, token: own };
    },
  };
}
