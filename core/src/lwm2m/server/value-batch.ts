/** Values of one message of a device, on their way up to the mapping. */
import type { Lwm2mPath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import type { ResourceValue } from "../resource-value.ts";

/** Names as the data streaming has them (agent specification 16.4). */
export type ValueSource = "READ_RESPONSE" | "OBSERVATION_RESPONSE" | "NOTIFICATION" | "SEND";

export interface ValueBatch {
  readonly registration: Registration;
  readonly values: readonly ResourceValue[];
  readonly source: ValueSource;
  /** The same for the same message, also when it is repeated to another life of this process: ids are made from it. */
  readonly messageKey: string;
  /** What was read or observed; `[]` for Send and for composite requests. */
  readonly requestPath: Lwm2mPath;
  /** What a composite request was for. */
  readonly compositePaths?: readonly Lwm2mPath[] | undefined;
  readonly receivedAtMs: number;
  /**
   * To be called, if at all, when the values are with the store and what the device says next may be looked at before they are stored. Absent where
   * nothing waits for that.
   */
  readonly letNextBegin?: () => void;
}

/** Everything that the device holds at what was asked for is in the values: a read or a notification, not Send. */
export const isFullRead = ({
  source,
  requestPath,
  compositePaths,
}: Pick<ValueBatch, "source" | "requestPath" | "compositePaths">): boolean =>
  source !== "SEND" && (requestPath.length > 0 || compositePaths !== undefined);
