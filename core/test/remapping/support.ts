/** A device that sends over a store in memory, with its history and the plans over it. */
import type { ManualClock } from "../../src/base/clock.ts";
import type { DefaultHandler, MappingAction } from "../../src/contract/action.ts";
import type { DecodedDocuments } from "../../src/decoding/decode-queue.ts";
import type { RawPayload } from "../../src/decoding/raw-payload.ts";
import {
  type DeviceProtocol,
  emptyProtocol,
  type ResourceMapping,
} from "../../src/device-protocols/device-protocol.ts";
import { createDeviceProtocols, type DeviceProtocols } from "../../src/device-protocols/device-protocols.ts";
import { createInventoryRepository } from "../../src/device-protocols/protocol-repository.ts";
import { createModelRegistry } from "../../src/lwm2m/model/model-registry.ts";
import { formatPath } from "../../src/lwm2m/path.ts";
import type { Registration } from "../../src/lwm2m/registration/registration.ts";
import type { ResourceValue } from "../../src/lwm2m/resource-value.ts";
import type { ValueBatch } from "../../src/lwm2m/server/value-batch.ts";
import { createActionRegistry } from "../../src/mapping/action-registry.ts";
import { createEffectApplier } from "../../src/mapping/apply-effects.ts";
import { createSuperseder } from "../../src/mapping/superseder.ts";
import { createUplink, type Uplink } from "../../src/mapping/uplink.ts";
import { createRemapping, type Plan, type Remapping, type RemappingRequest } from "../../src/remapping/remapping.ts";
import type { DecodeOutcome } from "../../src/sandbox/decoder-runtime.ts";
import { RAW_PAYLOADS } from "../../src/store/collections/decoding.ts";
import { ALARMS, EVENTS } from "../../src/store/collections/platform.ts";
import { MEASUREMENTS } from "../../src/store/series-documents.ts";
import type { Store, WriteOp } from "../../src/store/store.ts";
import { protocol } from "../mapping/support.ts";
import { createDevice, openPlatform, type PlatformFixture, TENANT } from "../platform/fixture.ts";

export type Mappings = Readonly<Record<number, Omit<ResourceMapping, "resourceID">>>;

/** Two events of a value. */
const twice: MappingAction = {
  name: "test:twice",
  run: ({ value, atMs }) =>
    [1, 2].map(part => ({ kind: "event", type: "twice", text: `${part} ${String(value.value)}`, atMs })),
};
const position: DefaultHandler = {
  objectId: 6,
  resources: [0, 1],
  needsLastValues: true,
  run: ({ value, atMs }) => [{ kind: "event", type: "position", text: `${value(0)} ${value(1)}`, atMs }],
};

export const OBJECT = 3303;
const RESOURCES = { 5700: "Cel", 5701: "", 5601: "Cel", 5602: "Cel", 5605: "" };

/** The stored form of a protocol of object 3303. */
export function temperature(mappings: Mappings): DeviceProtocol {
  return { ...emptyProtocol(protocol(OBJECT, {}, RESOURCES).objectModel), ...protocol(OBJECT, mappings, RESOURCES) };
}

export interface RemappingFixture extends AsyncDisposable {
  readonly platform: PlatformFixture["platform"];
  readonly store: Store;
  readonly clock: ManualClock;
  readonly deviceId: string;
  readonly protocols: DeviceProtocols;
  readonly uplink: Uplink;
  readonly remapping: Remapping;
  readonly enqueued: RawPayload[];
  /** What decoders answer; undefined: there is none. */
  decode: ((raw: RawPayload) => DecodeOutcome) | undefined;
  /** Set: the store fails at the write after so many. */
  failAfter: number | undefined;
  send(values: readonly ResourceValue[], over?: Partial<ValueBatch>): Promise<void>;
  plan(mappings: Mappings, over?: Partial<RemappingRequest>): Promise<Plan>;
  apply(plan: Plan, mappings: Mappings): Promise<Plan>;
  /** All that is stored of the device, apart from its history. */
  content(): Promise<unknown>;
}

export async function openRemapping(
  mappings: Mappings,
  options: { readonly maxMessages?: number; readonly retentionDays?: number; readonly isMarked?: boolean } = {},
): Promise<RemappingFixture> {
  const fixture = await openPlatform();
  const { platform, store, clock, log } = fixture;
  const deviceId = await createDevice(platform);
  if (options.isMarked ?? true) await platform.inventory.update(TENANT, deviceId, { keepValueHistory: true });
  const models = createModelRegistry({ managementTenant: "management" });
  const repository = createInventoryRepository(platform.inventory, "admin");
  const protocols = createDeviceProtocols({ repository, models, managementTenant: "management", log });
  await protocols.put(TENANT, temperature(mappings));
  const actions = createActionRegistry();
  actions.addAction(twice);
  actions.addHandler(position);
  const mapping = { protocol: protocols.find, actions };
  const enqueued: RawPayload[] = [];
  const decodes = {
    displayName: (_: string, decoder: string) => `${decoder} decoder`,
    enqueue: (payloads: readonly RawPayload[]) => void enqueued.push(...payloads),
    sweep: () => {},
    tryOut: async (raw: RawPayload): Promise<DecodeOutcome> =>
      opened.decode?.(raw) ?? { ok: false, reason: "unavailable", message: "none" },
  };
  const applier = createEffectApplier({ platform, nowMs: clock.now, decodes });
  const superseder = createSuperseder({ store, nowMs: clock.now });
  const uplink = createUplink({ platform, store, log, mapping, applier, superseder, keepsValues: "marked" });
  let writes = 0;
  const failing: Store = {
    ...store,
    async write(ops: readonly WriteOp[]) {
      if (opened.failAfter !== undefined && ++writes > opened.failAfter) throw new Error("killed");
      return store.write(ops);
    },
  };
  const remapping = createRemapping({
    store: failing,
    clock,
    inventory: platform.inventory,
    protocols,
    mapping,
    endpointOf: async (_, id) => (id === deviceId ? "urn:dev:7" : undefined),
    decodes,
    superseder,
    keepsValues: "marked",
    retentionDays: options.retentionDays ?? 7,
    maxMessages: options.maxMessages ?? 10_000,
  });
  let message = 0;
  const request = (given: Mappings): RemappingRequest => ({
    deviceId,
    objectId: OBJECT,
    protocol: { ...temperature(given), id: undefined, otherVersions: undefined },
  });
  const opened: RemappingFixture = {
    ...{ platform, store, clock, deviceId, protocols, uplink, remapping, enqueued },
    decode: undefined,
    failAfter: undefined,
    send: (values, over = {}) =>
      uplink.values({
        registration: { id: "r1", endpoint: "urn:dev:7", tenant: TENANT, deviceId } as Registration,
        values,
        source: "SEND",
        messageKey: `m${message++}`,
        requestPath: [],
        receivedAtMs: clock.now(),
        ...over,
      }),
    plan: (given, over) => remapping.plan(TENANT, { ...request(given), ...over }),
    apply({ id, fromMs, toMs }, given) {
      writes = 0;
      return remapping.apply(TENANT, { ...request(given), fromMs, toMs }, id);
    },
    async content() {
      const all = { limit: 5000 } as const;
      return {
        measurements: await store.collection(MEASUREMENTS).find({}, all),
        // Events tell when they were made.
        events: (await store.collection(EVENTS).find({}, all)).map(
          ({ creationTime: _, lastUpdated: __, ...event }) => event,
        ),
        alarms: await store.collection(ALARMS).find({}, all),
        payloads: await store.collection(RAW_PAYLOADS).find({}, all),
      };
    },
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
  return opened;
}

/** What the queue does once a decoder has answered. */
export const decoded = (
  { tenant, deviceId, endpoint, id: rawId, receivedAtMs }: RawPayload,
  effects: DecodedDocuments["effects"],
): DecodedDocuments => ({ tenant, deviceId, endpoint, rawId, receivedAtMs, effects, more: [] });

export const counts = ({ measurements, events, alarms }: Plan): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ measurements, events, alarms }).map(([kind, { produced, changed, removed, unchanged }]) => [
      kind,
      `+${produced} ~${changed} -${removed} =${unchanged}`,
    ]),
  );
export const pathOf = (resource: number): string => formatPath([OBJECT, 0, resource]);
