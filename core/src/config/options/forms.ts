/** Forms that many options have: what they ask for is given once, their default and description each time. */

export const DAY_S = 86_400;
export const MIB = 2 ** 20;

export const port = (value: number, description: string, agent: readonly string[] = []) =>
  ({ type: "integer", default: value, minimum: 0, maximum: 65_535, description, agent }) as const;

export const timeMs = (value: number, description: string, agent: readonly string[] = [], minimum = 1) =>
  ({ type: "integer", default: value, minimum, maximum: 7 * DAY_S * 1000, unit: "ms", description, agent }) as const;

export const count = (
  value: number,
  maximum: number,
  description: string,
  agent: readonly string[] = [],
  minimum = 1,
) => ({ type: "integer", default: value, minimum, maximum, description, agent }) as const;

export const bytes = (value: number, maximum: number, description: string) =>
  ({ type: "integer", default: value, minimum: 1024, maximum, unit: "bytes", description }) as const;

/** Parts of a minute are allowed. */
export const minutes = (value: number, description: string, agent: readonly string[] = []) =>
  ({
    type: "number",
    default: value,
    minimum: 0.001,
    maximum: 7 * 1440,
    unit: "minutes",
    description,
    agent,
  }) as const;

export const flag = (value: boolean, description: string, agent: readonly string[] = []) =>
  ({ type: "boolean", default: value, description, agent }) as const;

/** Sockets for datagrams are bound without a resolver. */
export const literal = (value: string, description: string, agent: readonly string[] = []) =>
  ({
    type: "text",
    default: value,
    pattern: /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?)$/,
    rule: "must be an IPv4 or IPv6 address",
    description,
    agent,
  }) as const;

export const address = (value: string, description: string, agent: readonly string[] = []) =>
  ({
    type: "text",
    default: value,
    pattern: /^[A-Za-z0-9.:_%-]+$/,
    rule: "must be an IP address or a host name",
    description,
    agent,
  }) as const;

/** Names of an option of the DTLS library that the original is built on; the older one counts where both are given (names.ts). */
export const dtlsProperty = (name: string): readonly string[] => [
  `eclipse.californium.scandium.dtlsConnector.${name}`,
  `californium3.properties.DTLS.${name}`,
];
