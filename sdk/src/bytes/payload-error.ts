/** What is wrong with a payload: caught by {@link orUndecodable}, or by the decoder itself, and told as `message`. */
export class PayloadError extends Error {
  override readonly name = "PayloadError";
  /** Where in the payload, in bytes from its start; absent where it is about the whole. */
  readonly at: number | undefined;

  constructor(message: string, at?: number) {
    super(at === undefined ? message : `${message} (byte ${at})`);
    this.at = at;
  }
}
