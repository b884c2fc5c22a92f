/** What is kept of a device while it is recorded. */
export interface RecordedPacket {
  readonly kind: "packet";
  /** ms since the epoch. */
  readonly atMs: number;
  readonly direction: "fromDevice" | "toDevice";
  /** Literal of the device's address. */
  readonly address: string;
  readonly port: number;
  /** A CoAP message, decrypted. */
  readonly bytes: Uint8Array;
}

/** Something that the host was told to do with the device: what makes its next requests understandable, and repeatable. */
export interface RecordedNote {
  readonly kind: "note";
  readonly atMs: number;
  readonly text: string;
}

export type RecordedEntry = RecordedPacket | RecordedNote;

/** The whole of it, in the order in which it happened. */
export interface Recording {
  readonly endpoint: string;
  readonly entries: readonly RecordedEntry[];
}
