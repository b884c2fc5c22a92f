/** Security and Server Objects of a device in bootstrap (LwM2M Core 1.1.1 section 6.1 and appendices E.1, E.2). */
import { parsePath, pathText, type ResourceType, type SimulatedInstance, type SimulatedObjects } from "./resource.ts";
import { entryValue, objectTlv, readTlv, type TlvEntry } from "./tlv.ts";

const SECURITY = 0;
const SERVER = 1;
const OBJECT_INSTANCE = 0;

const TYPES: Readonly<Record<number, Readonly<Record<number, ResourceType>>>> = {
  [SECURITY]: {
    0: "string",
    1: "boolean",
    2: "integer",
    3: "opaque",
    4: "opaque",
    5: "opaque",
    10: "integer",
    15: "integer",
  },
  [SERVER]: { 0: "integer", 1: "integer", 2: "integer", 3: "integer", 5: "integer", 6: "boolean", 7: "string" },
};

/** /0/x/2 */
const MODES = ["PSK", "RPK", "X509", "NO_SEC"] as const;

/** A server account that the device was given. */
export interface GivenAccount {
  readonly uri: URL;
  readonly mode: (typeof MODES)[number];
  /** PSK identity or certificate. */
  readonly publicKeyOrIdentity: Buffer;
  readonly serverPublicKey: Buffer;
  readonly secretKey: Buffer;
  readonly shortServerId: number;
  readonly lifetimeSeconds: number;
}

export interface BootstrapObjects {
  readonly objects: SimulatedObjects;
  /** Writes an instance, or the instances of an object, as TLV. @returns the response code */
  write(path: string, tlv: Buffer): string;
  /** Deletes what is below `path`, but for the bootstrap account. @returns the response code */
  remove(path: string): string;
  /** TLV of `/0`, `/1` or another object; undefined where there is none. */
  read(path: string): Buffer | undefined;
  /** Answer to Discover below `path`: instances, and the short server id of accounts (LwM2M Core 1.1.1 section 6.1.7.3). */
  discover(path: string): string | undefined;
  /** Accounts with a Server and a Security instance of the same short server id. */
  accounts(): readonly GivenAccount[];
}

const isBootstrapAccount = (instance: SimulatedInstance): boolean => instance.get(1)?.value === true;
const number = (instance: SimulatedInstance, id: number): number => Number(instance.get(id)?.value ?? 0);
const bytes = (instance: SimulatedInstance, id: number): Buffer => {
  const value = instance.get(id)?.value;
  return value instanceof Uint8Array ? Buffer.from(value) : Buffer.alloc(0);
};

function instanceFrom(object: number, entries: readonly TlvEntry[]): SimulatedInstance {
  const types = TYPES[object] ?? {};
  return new Map(
    entries.map(entry => {
      const type = types[entry.id] ?? "opaque";
      return [entry.id, { type, value: entryValue(type, entry) }];
    }),
  );
}

/** @param bootstrapUri of the account that the device left the factory with, /0/0 */
export function createBootstrapObjects(bootstrapUri: string): BootstrapObjects {
  const factory: SimulatedInstance = new Map([
    [0, { type: "string", value: bootstrapUri }],
    [1, { type: "boolean", value: true }],
  ]);
  const objects: SimulatedObjects = new Map([
    [SECURITY, new Map([[0, factory]])],
    [SERVER, new Map()],
    [3, new Map([[0, new Map([[0, { type: "string", value: "ACME" }]])]])],
  ]);

  const put = (object: number, instance: number, entries: readonly TlvEntry[]): string => {
    const former = objects.get(object)?.get(instance);
    if (former && isBootstrapAccount(former)) return "4.05";
    if (!objects.has(object)) objects.set(object, new Map());
    objects.get(object)!.set(instance, instanceFrom(object, entries));
    return "2.04";
  };
  const links = (object: number): string[] => {
    const instances = objects.get(object)!;
    if (instances.size === 0) return [`</${object}>`];
    return [...instances].map(([id, instance]) => {
      const shortId = instance.get(object === SECURITY ? 10 : 0)?.value;
      const isAccount = (object === SECURITY || object === SERVER) && shortId !== undefined;
      return `<${pathText([object, id])}>${isAccount ? `;ssid=${shortId}` : ""}`;
    });
  };

  return {
    objects,
    write(path, tlv) {
      const [object, instance] = parsePath(path) ?? [];
      if (object === undefined) return "4.05";
      const entries = readTlv(tlv);
      if (instance !== undefined) {
        const own = entries[0]?.kind === OBJECT_INSTANCE ? readTlv(entries[0].value) : entries;
        return put(object, instance, own);
      }
      const codes = entries.map(entry => put(object, entry.id, readTlv(entry.value)));
      return codes.find(code => code !== "2.04") ?? "2.04";
    },
    remove(path) {
      const [object, instance] = parsePath(path) ?? [];
      const ids = object === undefined ? [SECURITY, SERVER] : [object];
      if (object !== undefined && !objects.has(object)) return "4.04";
      for (const id of ids) {
        for (const [at, each] of [...objects.get(id)!]) {
          const isMeant = instance === undefined || instance === at;
          if (isMeant && !isBootstrapAccount(each)) objects.get(id)!.delete(at);
        }
      }
      return "2.02";
    },
    read(path) {
      const object = objects.get((parsePath(path) ?? [])[0] ?? -1);
      return object && objectTlv(object);
    },
    discover(path) {
      const [object] = parsePath(path) ?? [];
      if (object !== undefined && !objects.has(object)) return undefined;
      const below = object === undefined ? [...objects.keys()] : [object];
      return ['</>;lwm2m="1.1"', ...below.flatMap(links)].join(",");
    },
    accounts: () =>
      [...objects.get(SERVER)!.values()].flatMap(server => {
        const shortServerId = number(server, 0);
        const security = [...objects.get(SECURITY)!.values()].find(
          each => !isBootstrapAccount(each) && number(each, 10) === shortServerId,
        );
        const mode = security && MODES[number(security, 2)];
        if (!mode || shortServerId === 0 || !server.has(1)) return [];
        return {
          uri: new URL(String(security.get(0)?.value)),
          mode,
          publicKeyOrIdentity: bytes(security, 3),
          serverPublicKey: bytes(security, 4),
          secretKey: bytes(security, 5),
          shortServerId,
          lifetimeSeconds: number(server, 1),
        };
      }),
  };
}
