/** What is known about a device at one moment, as far as it says why values come or do not come. Plain data. */
import type { ConnectionMode } from "../device-accounts.ts";
import type { Trouble } from "./trouble-book.ts";

export interface ObjectFacts {
  readonly objectId: number;
  /** As the device stated it. */
  readonly version: string | undefined;
  /** Of the model in force; undefined: no object file describes it. */
  readonly modelVersion: string | undefined;
  readonly hasMapping: boolean;
}

export interface DecoderFacts {
  readonly key: string;
  readonly isLoaded: boolean;
  readonly waiting: number;
  /** It is left alone until then (wall clock): a service that cannot be reached, a decoder that failed too often. */
  readonly pause?: { readonly reason: string; readonly untilMs: number } | undefined;
  /** The latest payload that it gave up. */
  readonly failure?: { readonly path: string; readonly reason: string; readonly atMs: number };
  /** The latest payload that it decoded. */
  readonly decodedAtMs?: number;
}

export interface RegistrationFacts {
  readonly id: string;
  readonly address: string;
  readonly isSecured: boolean;
  readonly registeredAtMs: number;
  readonly lastSeenMs: number;
  readonly isAwake: boolean;
  readonly notificationsPerMinute: number;
}

export interface Facts {
  readonly nowMs: number;
  readonly endpoint: string;
  readonly mode: ConnectionMode;
  readonly pskIdentity: string | undefined;
  /** With which it is to come for bootstrap. */
  readonly bootstrapIdentity: string | undefined;
  /** Failed handshakes under the device's identities, and identities that nobody has. */
  readonly handshakes: readonly Trouble[];
  readonly unknownIdentities: readonly Trouble[];
  /** Of the endpoint. */
  readonly troubles: readonly Trouble[];
  readonly registration: RegistrationFacts | undefined;
  /** How the last registration ended, where its event is stored. */
  readonly ended: { readonly text: string; readonly atMs: number } | undefined;
  readonly operationsWaiting: number;
  readonly objects: readonly ObjectFacts[];
  /** Paths that the mapping wants observed, and those that are. */
  readonly wanted: readonly string[];
  readonly observed: readonly string[];
  /** Open alarms of the mapping: type and text. */
  readonly mappingAlarms: readonly { readonly type: string; readonly text: string; readonly atMs: number }[];
  readonly decoders: readonly DecoderFacts[];
  /** Time of the latest measurement. */
  readonly measuredAtMs: number | undefined;
  /** Undefined: the store is well. */
  readonly storeTrouble: string | undefined;
}
