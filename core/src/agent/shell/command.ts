/** Commands of the shell as values: what `parseCommand` makes of a line, and all that running one needs. */
import type { CoapRequest } from "../../coap/request.ts";
import type { ContentFormatName } from "../../lwm2m/codecs/codec.ts";
import type { Lwm2mPath } from "../../lwm2m/path.ts";
import type { NotificationAttributes } from "../../lwm2m/wire/to-coap.ts";
import type { Word } from "./words.ts";

/** As JSON has it; integers past 2^53 keep their digits. */
export type JsonValue = null | string | number | bigint | boolean | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

export interface PathValue {
  readonly path: Lwm2mPath;
  /** As text, with its place; its type is that of the resource. */
  readonly value: Word;
}

export interface FirmwareName {
  readonly name: string;
  readonly version: string;
  readonly url: string;
}

/** One request as it is (agent specification 10.3, `coap`). */
export type RawRequest = Pick<CoapRequest, "method" | "path" | "query" | "contentFormat" | "accept" | "payload">;

export type Command =
  | { readonly kind: "read" | "observe" | "cancelobserve" | "discover" | "delete"; readonly path: Lwm2mPath }
  | {
      readonly kind: "cread" | "cobserve" | "cancelobservation" | "cancelcompositeobserve";
      readonly paths: readonly Lwm2mPath[];
    }
  | ({ readonly kind: "write" | "writep" } & PathValue)
  | { readonly kind: "cwrite"; readonly values: readonly PathValue[] }
  | { readonly kind: "writeb"; readonly path: Lwm2mPath; readonly bytes: Uint8Array }
  | { readonly kind: "writeb"; readonly path: Lwm2mPath; readonly fileId: Word }
  | { readonly kind: "execute" | "executelegacy"; readonly path: Lwm2mPath; readonly args: string }
  | {
      readonly kind: "create";
      readonly objectId: number;
      /** Absent: the device chooses. */
      readonly instanceId?: number;
      /** By resource id. */
      readonly resources: JsonObject;
      /** The JSON in the line. */
      readonly json: Word;
    }
  | {
      readonly kind: "writeattr";
      readonly path: Lwm2mPath;
      readonly attributes: NotificationAttributes;
      /** Whether the observation of the path is to end. */
      readonly cancel: boolean;
    }
  /** Undefined: the host chooses again. */
  | { readonly kind: "serialization"; readonly format: ContentFormatName | undefined }
  | { readonly kind: "coap"; readonly request: RawRequest }
  | ({ readonly kind: "fwupdate" } & FirmwareName)
  /** Undefined: all commands. */
  | { readonly kind: "help"; readonly about: CommandKind | undefined };

/** What a device is needed for. */
export type DeviceCommand = Exclude<Command, { readonly kind: "help" }>;

export type CommandKind = Command["kind"];
export type CommandOf<K extends CommandKind> = Extract<Command, { readonly kind: K }>;
