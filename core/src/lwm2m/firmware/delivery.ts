/** How a package gets to a device (agent specification 14.3, steps 1, 2 and 4). Pure. */
import type { DeliveryMethod, FirmwareFacts, PackageProtocol } from "./firmware-object.ts";

/** What operators set for a device; absent: the device is asked. */
export interface DeliverySettings {
  readonly method?: DeliveryMethod;
  readonly protocol?: PackageProtocol;
  readonly reset?: "PACKAGE" | "PACKAGE_URI";
}

export type PackageSource =
  | { readonly kind: "stored" }
  /** Somewhere else, under a URL of this scheme. */
  | { readonly kind: "external"; readonly scheme: string };

export interface DeliveryQuestion {
  readonly settings: DeliverySettings;
  readonly source: PackageSource;
  /** By what this host hands packages out. */
  readonly offered: readonly PackageProtocol[];
  /** Those of them that many devices would refuse: where there is nothing else. */
  readonly distrusted: readonly PackageProtocol[];
  /** Whether the device came by DTLS. */
  readonly secured: boolean;
}

export type Delivery =
  | { readonly method: "PUSH" }
  /** `protocol` of the URI; of a stored package it is one that this host offers. */
  | { readonly method: "PULL"; readonly protocol: PackageProtocol };

/** Best first; what is not named comes last. */
const PREFERRED: Readonly<Record<"secured" | "plain", readonly PackageProtocol[]>> = {
  secured: ["coaps", "https", "coap", "http"],
  plain: ["https", "coap", "http", "coaps"],
};
/** A device that does not say has the one that it speaks. */
const UNSAID: readonly PackageProtocol[] = ["coap"];

const listed = (protocols: readonly string[]): string =>
  protocols.map(name => name.toUpperCase()).join(", ") || "nothing";

/** @returns what is written to make a device forget an earlier update; undefined: that depends on its method, which has to be asked for */
export function resetTarget(
  { reset, method: set }: DeliverySettings,
  told: DeliveryMethod | undefined,
): "package" | "nullUri" | "emptyUri" | undefined {
  if (reset !== undefined) return reset === "PACKAGE" ? "package" : "emptyUri";
  const method = set ?? told;
  if (method === undefined) return undefined;
  return method === "PUSH" ? "package" : "nullUri";
}

function pull(question: DeliveryQuestion, told: readonly PackageProtocol[]): Delivery | string {
  const { settings, source, offered, distrusted, secured } = question;
  const able = settings.protocol ? [settings.protocol] : told.length > 0 ? told : UNSAID;
  if (source.kind === "external") {
    const protocol = able.find(name => name === source.scheme);
    if (protocol) return { method: "PULL", protocol };
    return `the device fetches firmware by ${listed(able)}, its URL begins with ${source.scheme}://`;
  }
  const common = PREFERRED[secured ? "secured" : "plain"].filter(name => able.includes(name) && offered.includes(name));
  const protocol = common.find(name => !distrusted.includes(name)) ?? common[0];
  if (protocol) return { method: "PULL", protocol };
  return `the device fetches firmware by ${listed(able)}, this host offers ${listed(offered)}`;
}

/**
 * PULL where the device can do both; PUSH then only if there is no protocol in common.
 * @returns the way, or why there is none
 */
export function chooseDelivery(
  question: DeliveryQuestion,
  { method: told, protocols }: FirmwareFacts,
): Delivery | string {
  const method = question.settings.method ?? told;
  if (method === undefined) {
    return "the device does not say how it takes firmware (/5/0/9): set fwUpdateDeliveryMethod";
  }
  const pulled = method === "PUSH" ? undefined : pull(question, protocols);
  if (typeof pulled === "object" || method === "PULL") return pulled!;
  if (question.source.kind === "stored") return { method: "PUSH" };
  return pulled ?? "the device takes firmware by PUSH only: its url must name a binary of this host";
}
