/** Records on the wire (RFC 6347 section 4.1, with Connection ID RFC 9146 section 4). Pure. */

/** ContentType (RFC 5246 section 6.2.1, RFC 9146 section 3). */
export const CONTENT = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  /** tls12_cid: the real type stands inside, encrypted. */
  cid: 25,
} as const;

/** One record as it stands in a datagram; views, nothing copied. */
export interface RecordView {
  /** A value of {@link CONTENT}; others are not read. */
  readonly type: number;
  readonly epoch: number;
  /** 48 bits. */
  readonly sequence: number;
  /** Empty unless type is `cid`. */
  readonly cid: Uint8Array;
  /** Plaintext in epoch 0, ciphertext later. */
  readonly fragment: Uint8Array;
}
