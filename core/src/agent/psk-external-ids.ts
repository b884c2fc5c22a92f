/** PSK identities as external ids of the managed object (agent specification 4.1): they follow the accounts. */
import { isFailure } from "../base/errors.ts";
import type { ExternalId, Platform } from "../platform/platform.ts";
import type { Connection, ConnectionSecurity } from "./device-accounts.ts";
import { identityTaken } from "./device-records.ts";

export const PSK_ID_TYPES: Readonly<Record<Connection, string>> = {
  server: "c8y_Lwm2mPskId",
  bootstrap: "c8y_BootstrapPskId",
};

type Securities = Readonly<Record<Connection, Pick<ConnectionSecurity, "pskIdentity">>>;
interface Binding {
  readonly connection: Connection;
  readonly type: string;
  readonly externalId: string;
}

function wanted(securities: Securities): Binding[] {
  return (["server", "bootstrap"] as const).flatMap(connection => {
    const { pskIdentity } = securities[connection];
    return pskIdentity === undefined ? [] : [{ connection, type: PSK_ID_TYPES[connection], externalId: pskIdentity }];
  });
}

/** To bind when the managed object is made. */
export const pskExternalIds = (securities: Securities): { readonly type: string; readonly externalId: string }[] =>
  wanted(securities).map(({ type, externalId }) => ({ type, externalId }));

/** @throws MooringError DUPLICATE naming the field, where another object of the tenant has one of them */
export async function requireFreeIds(
  identity: Platform["identity"],
  tenant: string,
  deviceId: string,
  securities: Securities,
): Promise<void> {
  for (const { connection, type, externalId } of wanted(securities)) {
    const bound = await identity.find(tenant, type, externalId);
    if (bound && bound.managedObjectId !== deviceId) throw identityTaken(connection, externalId);
  }
}

const isSame = (a: Pick<ExternalId, "type" | "externalId">) => (b: Pick<ExternalId, "type" | "externalId">) =>
  a.type === b.type && a.externalId === b.externalId;

/** Binds what is missing, releases what is no more. Repeating it changes nothing. */
export async function followIdentities(
  identity: Platform["identity"],
  tenant: string,
  deviceId: string,
  securities: Securities,
): Promise<void> {
  const types = Object.values(PSK_ID_TYPES);
  const bound = (await identity.of(tenant, deviceId)).filter(({ type }) => types.includes(type));
  const ids = wanted(securities);
  for (const old of bound.filter(each => !ids.some(isSame(each)))) {
    await identity.unbind(tenant, old.type, old.externalId).catch(error => {
      if (!isFailure(error, "NOT_FOUND")) throw error;
    });
  }
  for (const { type, externalId } of ids.filter(each => !bound.some(isSame(each)))) {
    await identity.bind(tenant, deviceId, type, externalId);
  }
}
