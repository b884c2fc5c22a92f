/** Accounts as resources of the Security, Server and Access Control Objects (LwM2M Core 1.1.1 appendices E.1 to E.3). Pure. */
import { EMPTY_BYTES } from "../../base/bytes.ts";
import { createModelRegistry } from "../model/model-registry.ts";
import type { ModelView } from "../model/object-model.ts";
import type { Lwm2mPath } from "../path.ts";
import type { ResourceValue, ScalarValue } from "../resource-value.ts";
import { isAtLeast, type Lwm2mVersion } from "../version.ts";
import type { AccessControl, SecurityAccount, SecurityMode, ServerAccount } from "./bootstrap-config.ts";

/** An object instance and what it is to hold. */
export interface InstanceContent {
  readonly path: Lwm2mPath;
  readonly values: readonly ResourceValue[];
  /** What is left for a device that refuses empty resources. */
  readonly withoutEmpty?: readonly ResourceValue[];
}

const SECURITY = 0;
const SERVER = 1;
const ACCESS_CONTROL = 2;

/** The objects as the standards have them: a tenant's own models have no say in what makes a device reachable. */
export const CORE_MODELS: ModelView = createModelRegistry({ managementTenant: "" }).view("", new Map());

/** /0/x/2 */
const MODE_NUMBERS: Readonly<Record<SecurityMode, number>> = { PSK: 0, RPK: 1, X509: 2, NO_SEC: 3 };

const valueAt = (path: Lwm2mPath, value: ScalarValue): ResourceValue => ({
  path,
  type: CORE_MODELS.resource(path[0]!, path[2]!)!.dataType!,
  value,
});

/** By resource id; undefined is left out. */
function content(path: Lwm2mPath, resources: readonly (readonly [number, ScalarValue | undefined])[]): InstanceContent {
  const values = resources.flatMap(([id, value]) => (value === undefined ? [] : [valueAt([...path, id], value)]));
  return { path, values };
}

/** Keys and certificates of an account; those of a certificate that are not given are the device's own. */
function keysOf(account: SecurityAccount): readonly (readonly [number, Uint8Array | undefined])[] {
  const { mode, publicKeyOrIdentity, serverPublicKey, secretKey } = account;
  const isPsk = mode === "PSK";
  if (mode === "NO_SEC") return [3, 4, 5].map(id => [id, EMPTY_BYTES]);
  return [
    [3, publicKeyOrIdentity],
    [4, isPsk ? EMPTY_BYTES : serverPublicKey],
    [5, secretKey],
  ];
}

const isEmpty = ({ value }: ResourceValue): boolean => value instanceof Uint8Array && value.length === 0;

/**
 * The standard demands the three key resources in every mode, and devices (Leshan's among them) take no account for whole that lacks one;
 * other devices refuse empty ones, and then get only what the mode needs (field finding B4).
 * @param version of the device; one of 1.0 does not get what came later
 */
export function securityContent(account: SecurityAccount, version: Lwm2mVersion | undefined): InstanceContent {
  const { mode } = account;
  const isKnown = version === undefined || isAtLeast(version, "1.1");
  const whole = content(
    [SECURITY, account.instance],
    [
      [0, account.uri],
      [1, account.isBootstrap],
      [2, MODE_NUMBERS[mode]],
      ...keysOf(account),
      [10, account.isBootstrap ? undefined : account.shortServerId],
      [15, mode === "X509" && isKnown ? account.certificateUsage : undefined],
    ],
  );
  return whole.values.some(isEmpty) ? { ...whole, withoutEmpty: whole.values.filter(value => !isEmpty(value)) } : whole;
}

/** The queue mode of a binding is a matter of LwM2M 1.0 alone (Core 1.1.1 appendix E.2, resource 7). */
const bindingFor = (binding: string, version: Lwm2mVersion | undefined): string =>
  version !== undefined && isAtLeast(version, "1.1") ? binding.replace("Q", "") : binding;

export const serverContent = (account: ServerAccount, version: Lwm2mVersion | undefined): InstanceContent =>
  content(
    [SERVER, account.instance],
    [
      [0, account.shortServerId],
      [1, account.lifetimeSeconds],
      [2, account.minimumPeriodSeconds],
      [3, account.maximumPeriodSeconds],
      [5, account.disableTimeoutSeconds],
      [6, account.storing],
      [7, bindingFor(account.binding, version)],
    ],
  );

export function accessControlContent({ instance, ...control }: AccessControl): InstanceContent {
  const path = [ACCESS_CONTROL, instance];
  const rights = Object.entries(control.rights).map(([shortServerId, bits]) =>
    valueAt([...path, 2, Number(shortServerId)], bits),
  );
  return {
    path,
    values: [
      valueAt([...path, 0], control.objectId),
      valueAt([...path, 1], control.objectInstance),
      ...rights,
      valueAt([...path, 3], control.ownerShortServerId),
    ],
  };
}
