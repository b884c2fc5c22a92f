/**
 * What is not secret of a device's first server, and of the device's accounts as a whole, as top-level fragments of the managed object
 * (agent specification 3.3, 4.1): operators may edit them there, and what is not of its type counts as unset.
 */
import type { Fragments } from "../platform/platform.ts";
import type { DeviceAccounts, ServerSettings } from "./device-accounts.ts";

export type FirstServer = Omit<ServerSettings, "id" | "security">;
export type AccountNumbers = Pick<
  DeviceAccounts,
  "bootstrapShortServerId" | "securityInstanceOffset" | "generateBootstrapServer"
>;

export const LARGEST_SHORT_SERVER_ID = 65_534;
const LARGEST_SECONDS = 2 ** 32 - 1;
const DEFAULT_SHORT_SERVER_ID = 1;

function integer(value: unknown, least = 0, most = LARGEST_SECONDS): number | undefined {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
    ? (value as number)
    : undefined;
}

const boolean = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined);

export function firstServerOf(fragments: Fragments): FirstServer {
  const { lwm2mServerUri: uri, bindingMode } = fragments;
  return {
    uri: typeof uri === "string" && uri !== "" ? uri : undefined,
    shortServerId: integer(fragments["lwm2mShortServerId"], 1, LARGEST_SHORT_SERVER_ID) ?? DEFAULT_SHORT_SERVER_ID,
    lifetimeSeconds: integer(fragments["registrationLifetime"], 1),
    minimumPeriodSeconds: integer(fragments["defaultMinimumPeriod"]),
    maximumPeriodSeconds: integer(fragments["defaultMaximumPeriod"]),
    disableTimeoutSeconds: integer(fragments["disableTimeout"]),
    storeNotifications: boolean(fragments["notificationIfDisabled"]),
    binding: bindingMode === "U" || bindingMode === "UQ" ? bindingMode : undefined,
  };
}

export function accountNumbersOf(fragments: Fragments): AccountNumbers {
  return {
    bootstrapShortServerId: integer(fragments["bootstrapShortServerId"], 0, LARGEST_SHORT_SERVER_ID) ?? 0,
    securityInstanceOffset: integer(fragments["securityInstanceOffset"], 0, LARGEST_SHORT_SERVER_ID) ?? 0,
    generateBootstrapServer: boolean(fragments["generateBootstrapServerConfig"]) ?? false,
  };
}

/** The fragments that hold all this; undefined: none. */
function fragmentsOf(server: FirstServer, numbers: AccountNumbers): Readonly<Record<string, unknown>> {
  return {
    lwm2mServerUri: server.uri,
    lwm2mShortServerId: server.shortServerId,
    registrationLifetime: server.lifetimeSeconds,
    defaultMinimumPeriod: server.minimumPeriodSeconds,
    defaultMaximumPeriod: server.maximumPeriodSeconds,
    disableTimeout: server.disableTimeoutSeconds,
    notificationIfDisabled: server.storeNotifications,
    bindingMode: server.binding,
    bootstrapShortServerId: numbers.bootstrapShortServerId,
    securityInstanceOffset: numbers.securityInstanceOffset,
    generateBootstrapServerConfig: numbers.generateBootstrapServer,
  };
}

/** @returns changes that make `fragments` say this, null for what is to go; empty where they say so already */
export function fragmentChanges(fragments: Fragments, server: FirstServer, numbers: AccountNumbers): Fragments {
  const before = fragmentsOf(firstServerOf(fragments), accountNumbersOf(fragments));
  const after = Object.entries(fragmentsOf(server, numbers));
  return Object.fromEntries(
    after.filter(([name, value]) => value !== before[name]).map(([name, value]) => [name, value ?? null]),
  );
}
