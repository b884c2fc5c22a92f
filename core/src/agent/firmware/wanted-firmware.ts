/** What a firmware operation asks for (agent specification 14.1), and what the device's settings say about it (4.2, 14.3). */
import { MooringError } from "../../base/errors.ts";
import { type FirmwareSource, firmwareSource } from "../../firmware/firmware-source.ts";
import type { DeliverySettings } from "../../lwm2m/firmware/delivery.ts";
import type { DeliveryMethod, PackageProtocol } from "../../lwm2m/firmware/firmware-object.ts";
import type { Binaries, Fragments, Operation } from "../../platform/platform.ts";
import { FIRMWARE_FIELDS, shownSettings } from "../settings-fields.ts";

/** Of the operation, and of the managed object once it is installed. */
export const FIRMWARE_FRAGMENT = "c8y_Firmware";

export interface WantedFirmware {
  readonly name: string;
  readonly version: string;
  readonly url: string;
}

export interface FirmwareSettings {
  /** Nothing is done by the host. */
  readonly isDisabled: boolean;
  readonly resets: boolean;
  readonly failOnUnexpected: boolean;
  /** In place of the operation's. */
  readonly url?: string;
  readonly delivery: DeliverySettings;
}

/** What a template of the platform puts in place of a URL that the device is to know. */
const PROVIDED = "$PROVIDED";
const LONGEST = 1024;

export const isFirmware = ({ fragments }: Pick<Operation, "fragments">): boolean =>
  Object.hasOwn(fragments, FIRMWARE_FRAGMENT);

const invalid = (member: string, rule: string): MooringError => {
  const field = member === "" ? FIRMWARE_FRAGMENT : `${FIRMWARE_FRAGMENT}.${member}`;
  return new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });
};

/** @param fragment unchecked @throws MooringError VALIDATION naming the member */
export function readFirmware(fragment: unknown): WantedFirmware {
  if (typeof fragment !== "object" || fragment === null) throw invalid("", "must be an object");
  const text = (member: keyof WantedFirmware): string => {
    const value = (fragment as Fragments)[member];
    if (value === undefined || value === null || value === "") throw invalid(member, "is missing");
    if (typeof value !== "string") throw invalid(member, "must be a text");
    if (value.trim() === "") throw invalid(member, "must not be blank");
    if (value.length > LONGEST) throw invalid(member, `must have at most ${LONGEST} characters`);
    return value;
  };
  const wanted = { name: text("name"), version: text("version"), url: text("url") };
  if (wanted.url === PROVIDED)
    throw invalid("url", `is ${PROVIDED}: a LwM2M device has to be given the URL or the bytes`);
  return wanted;
}

/** @throws MooringError VALIDATION for a URL that cannot be used, an unknown and an empty binary */
export async function openSource(
  binaries: Pick<Binaries, "open">,
  tenant: string,
  url: string,
): Promise<FirmwareSource> {
  const source = await firmwareSource(binaries, tenant, url);
  if (source.kind === "stored" && source.binary.length === 0)
    throw invalid("url", `names an empty binary: ${source.binary.id}`);
  return source;
}

/** Members as the settings API has them, each of its kind or its default; null: none. */
interface Shown {
  readonly url: string | null;
  readonly resetStateMachineOnStart: boolean;
  readonly resetMethod: "PACKAGE" | "PACKAGE_URI" | null;
  readonly supportedDeviceProtocol: Uppercase<"coap" | "coaps" | "http" | "https"> | null;
  readonly firmwareDeliveryMethod: DeliveryMethod | null;
  readonly disableFirmwareStateMachine: boolean;
  readonly failOnUnexpectedResult: boolean;
}

/** @param fragments of the device's managed object; what is not of its kind counts as unset */
export function firmwareSettings(fragments: Fragments): FirmwareSettings {
  const shown = shownSettings(FIRMWARE_FIELDS, fragments) as unknown as Shown;
  const { url, resetMethod: reset, firmwareDeliveryMethod: method, supportedDeviceProtocol } = shown;
  const protocol = supportedDeviceProtocol?.toLowerCase() as PackageProtocol | undefined;
  return {
    isDisabled: shown.disableFirmwareStateMachine,
    resets: shown.resetStateMachineOnStart,
    failOnUnexpected: shown.failOnUnexpectedResult,
    ...(url !== null && { url }),
    delivery: { ...(method && { method }), ...(protocol && { protocol }), ...(reset && { reset }) },
  };
}
