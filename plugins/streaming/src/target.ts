/** Where messages go. */

export interface Target {
  /** `mqtt`, `webhook` */
  readonly name: string;
  /**
   * Resolves when the target has taken all of them; a rejection leaves open how many, so all are sent again. One call at a time.
   * @param signal ends the attempt
   * @throws RefusedError where sending the same again would not help
   */
  send(messages: readonly string[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** These messages will never be taken. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}
