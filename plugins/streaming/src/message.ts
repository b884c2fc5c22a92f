/** Data of a device as the message that is published (agent specification 16.4). */
import { type DeviceData, type ResourceValue, senmlStream } from "@mooring/sdk";

/** Text of the message for some of the values. */
function messageText(data: DeviceData, values: readonly ResourceValue[]): string {
  const { receivedAtMs, source, deviceId, tenant, endpoint, registrationId } = data;
  const head = {
    timestampDataReceived: new Date(receivedAtMs).toISOString(),
    sourceOfData: source,
    deviceId,
    tenantId: tenant,
    lwm2mEndpoint: endpoint,
    registrationId,
  };
  // The records are JSON already: their integers of 64 bits would not survive a second reading.
  return `${JSON.stringify(head).slice(0, -1)},"senMLMessage":${senmlStream(values, receivedAtMs)}}`;
}

export interface Messages {
  readonly texts: readonly string[];
  /** Values that are too long for any message. */
  readonly tooLong: number;
}

function part(data: DeviceData, values: readonly ResourceValue[], maxBytes: number): Messages {
  const text = messageText(data, values);
  if (Buffer.byteLength(text) <= maxBytes) return { texts: [text], tooLong: 0 };
  if (values.length === 1) return { texts: [], tooLong: 1 };
  const half = Math.ceil(values.length / 2);
  const [former, latter] = [part(data, values.slice(0, half), maxBytes), part(data, values.slice(half), maxBytes)];
  return { texts: [...former.texts, ...latter.texts], tooLong: former.tooLong + latter.tooLong };
}

/**
 * One message, or several with some of the values each where it would be longer than `maxBytes`.
 * @param maxBytes in UTF-8
 */
export const messagesOf = (data: DeviceData, maxBytes: number): Messages => part(data, data.values, maxBytes);
