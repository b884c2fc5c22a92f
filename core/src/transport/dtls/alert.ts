/** Alerts (RFC 5246 section 7.2): two bytes, level and description. Pure. */

/** AlertDescription: RFC 5246 section 7.2; 111 to 114 RFC 6066 section 9; 115 RFC 4279 section 6; 120 RFC 7301 section 3.2. */
export const ALERT = {
  closeNotify: 0,
  unexpectedMessage: 10,
  badRecordMac: 20,
  decryptionFailed: 21,
  recordOverflow: 22,
  decompressionFailure: 30,
  handshakeFailure: 40,
  noCertificate: 41,
  badCertificate: 42,
  unsupportedCertificate: 43,
  certificateRevoked: 44,
  certificateExpired: 45,
  certificateUnknown: 46,
  illegalParameter: 47,
  unknownCa: 48,
  accessDenied: 49,
  decodeError: 50,
  decryptError: 51,
  exportRestriction: 60,
  protocolVersion: 70,
  insufficientSecurity: 71,
  internalError: 80,
  userCanceled: 90,
  noRenegotiation: 100,
  unsupportedExtension: 110,
  certificateUnobtainable: 111,
  unrecognizedName: 112,
  badCertificateStatusResponse: 113,
  badCertificateHashValue: 114,
  unknownPskIdentity: 115,
  noApplicationProtocol: 120,
} as const;

export type AlertName = keyof typeof ALERT;

export interface Alert {
  readonly fatal: boolean;
  /** A value of {@link ALERT}, or one that we do not know. */
  readonly description: number;
}

const ALERT_BYTES = 2;
const WARNING = 1;
const FATAL = 2;
/** The only ones that we send as a warning; every other of ours ends the session. */
const WARNINGS: readonly AlertName[] = ["closeNotify", "noRenegotiation"];
const NAMES = new Map(Object.entries(ALERT).map(([name, code]) => [code as number, name as AlertName]));

/** Name of a description for a log line; `alert 200` for one that is not in the table. */
export const alertName = (description: number): string => NAMES.get(description) ?? `alert ${description}`;

/** @returns undefined for anything but one whole alert: a record holds exactly one, since DTLS does not split messages over records */
export function readAlert(content: Uint8Array): Alert | undefined {
  const [level, description] = content;
  if (content.length !== ALERT_BYTES || (level !== WARNING && level !== FATAL)) return undefined;
  return { fatal: level === FATAL, description: description! };
}

/** Content of an alert record; the level follows from the name. */
export const writeAlert = (name: AlertName): Uint8Array =>
  Uint8Array.of(WARNINGS.includes(name) ? WARNING : FATAL, ALERT[name]);
