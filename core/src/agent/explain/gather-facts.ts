/** Facts of one device from the parts that know them. */
import { messageOf } from "../../base/errors.ts";
import type { DeviceProtocol } from "../../device-protocols/device-protocol.ts";
import { observedPaths } from "../../device-protocols/observed-paths.ts";
import { statedVersions } from "../../lwm2m/codecs/link-format.ts";
import type { ModelView } from "../../lwm2m/model/object-model.ts";
import { formatTarget } from "../../lwm2m/observation/observation-target.ts";
import { formatPath } from "../../lwm2m/path.ts";
import type { Registration } from "../../lwm2m/registration/registration.ts";
import type { Lwm2mServer } from "../../lwm2m/server/lwm2m-server.ts";
import { FAILURE_ALARM_PREFIXES } from "../../mapping/failure-alarms.ts";
import type { PageRequest, Platform } from "../../platform/platform.ts";
import { RAW_PAYLOADS, type RawPayloadDocument } from "../../store/collections/decoding.ts";
import type { Store } from "../../store/store.ts";
import { type DeviceRecord, securityOf } from "../device-records.ts";
import { addressText } from "../lifecycle-events.ts";
import type { DecoderFacts, Facts, ObjectFacts, RegistrationFacts } from "./facts.ts";
import type { TroubleBook } from "./trouble-book.ts";

export interface FactSources {
  readonly server: Pick<Lwm2mServer, "registrations" | "observations" | "requests" | "isReachable">;
  readonly platform: Pick<Platform, "alarms" | "events" | "measurements" | "operations">;
  readonly store: Store;
  readonly troubles: TroubleBook;
  protocol(tenant: string, objectId: number): DeviceProtocol | undefined;
  models(registration: Registration): ModelView;
  /** Keys of the decoders that a tenant has. */
  decoders(tenant: string): readonly string[];
  decoderPause(tenant: string, key: string): DecoderFacts["pause"];
  nowMs(): number;
}

export interface ExplainedDevice {
  readonly tenant: string;
  readonly deviceId: string;
  readonly record: DeviceRecord;
}

const DEREGISTRATION = "c8y_LWM2MDeviceDeRegistration";
const DECODER = "decoder:";
const ONE: PageRequest = { currentPage: 1, pageSize: 1, withTotal: false };
const MOST_ALARMS: PageRequest = { currentPage: 1, pageSize: 200, withTotal: false };

function registrationFacts({ server }: FactSources, registration: Registration): RegistrationFacts {
  const { id, peer, registeredAtMs, updatedAtMs } = registration;
  return {
    id,
    address: addressText(peer),
    isSecured: peer.identity !== undefined,
    registeredAtMs,
    lastSeenMs: server.registrations.lastSeenMs(id) ?? updatedAtMs,
    isAwake: server.isReachable(registration),
    notificationsPerMinute: server.observations.notificationsPerMinute(id),
  };
}

function objectFacts({ models, protocol }: FactSources, registration: Registration): ObjectFacts[] {
  const { objectLinks, tenant } = registration;
  const versions = statedVersions(objectLinks);
  const view = models(registration);
  return [...new Set(objectLinks.flatMap(({ path }) => path.slice(0, 1)))].map(objectId => ({
    objectId,
    version: versions.get(objectId),
    modelVersion: view.object(objectId)?.version,
    hasMapping: Object.keys(protocol(tenant, objectId)?.resourceMappings ?? {}).length > 0,
  }));
}

/** Keys of the decoders that values of these objects are for. */
function decoderKeys({ protocol }: FactSources, tenant: string, objects: readonly ObjectFacts[]): string[] {
  const names = objects.flatMap(({ objectId }) =>
    Object.values(protocol(tenant, objectId)?.resourceMappings ?? {}).map(
      ({ customAction }) => customAction?.actionName,
    ),
  );
  const keys = names.filter(name => name?.startsWith(DECODER)).map(name => name!.slice(DECODER.length));
  return [...new Set(keys)];
}

async function decoderFacts(
  sources: FactSources,
  { tenant, deviceId }: Pick<ExplainedDevice, "tenant" | "deviceId">,
  key: string,
): Promise<DecoderFacts> {
  const payloads = sources.store.collection(RAW_PAYLOADS);
  const latest = (status: RawPayloadDocument["status"]) =>
    payloads.findOne({ managedObject: deviceId, decoder: key, status }, { sort: [["time", -1]] });
  const [failed, decoded, waiting] = await Promise.all([
    latest("ERROR"),
    latest("DONE"),
    payloads.count({ managedObject: deviceId, decoder: key, status: { $in: ["PENDING", "IN_PROGRESS"] } }),
  ]);
  const pause = sources.decoderPause(tenant, key);
  const reason = failed && String(failed.details["message"] ?? failed.details["reason"] ?? "unknown");
  return {
    key,
    isLoaded: sources.decoders(tenant).includes(key),
    waiting,
    ...(pause && { pause }),
    ...(failed && { failure: { path: failed.path, reason: reason!, atMs: failed.time } }),
    ...(decoded && { decodedAtMs: decoded.time }),
  };
}

async function mappingAlarms(
  { platform }: FactSources,
  tenant: string,
  sourceId: string,
): Promise<Facts["mappingAlarms"]> {
  const { items } = await platform.alarms.list(tenant, { sourceId, statuses: ["ACTIVE"] }, MOST_ALARMS);
  return items
    .filter(({ type }) => FAILURE_ALARM_PREFIXES.some(prefix => type.startsWith(prefix)))
    .map(({ type, text, timeMs }) => ({ type, text, atMs: timeMs }));
}

async function storeTrouble({ store }: FactSources): Promise<string | undefined> {
  try {
    await store.health();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** What stands in the store about a device, whether it is registered or not. */
async function storedFacts(sources: FactSources, { tenant, deviceId }: ExplainedDevice) {
  const { platform } = sources;
  const [alarms, ended, measured, waiting] = await Promise.all([
    mappingAlarms(sources, tenant, deviceId),
    platform.events.list(tenant, { sourceId: deviceId, type: DEREGISTRATION }, ONE),
    platform.measurements.list(tenant, { sourceId: deviceId, revert: true }, ONE),
    platform.operations.list(tenant, { deviceId, statuses: ["PENDING"] }, { ...ONE, withTotal: true }),
  ]);
  const [end] = ended.items;
  return {
    mappingAlarms: alarms,
    ended: end && { text: end.text, atMs: end.timeMs },
    measuredAtMs: measured.items[0]?.timeMs,
    operationsWaiting: waiting.total ?? waiting.items.length,
  };
}

const NOTHING_REGISTERED = { registration: undefined, objects: [], wanted: [], observed: [], decoders: [] } as const;

async function registeredFacts(sources: FactSources, registration: Registration) {
  const { server, protocol } = sources;
  const { id, tenant, objectLinks } = registration;
  const objects = objectFacts(sources, registration);
  const wanted = observedPaths(objectId => protocol(tenant, objectId), objectLinks);
  const keys = decoderKeys(sources, tenant, objects);
  return {
    registration: registrationFacts(sources, registration),
    objects,
    wanted: wanted.map(({ path }) => formatPath(path)),
    observed: server.observations.of(id).map(({ target }) => formatTarget(target)),
    decoders: await Promise.all(keys.map(key => decoderFacts(sources, registration, key))),
  };
}

/** @throws MooringError of the store */
export async function gatherFacts(sources: FactSources, device: ExplainedDevice): Promise<Facts> {
  const { troubles, server } = sources;
  const { endpoint, accounts } = device.record;
  const { mode, pskIdentity } = securityOf(accounts, "server");
  const { pskIdentity: bootstrapIdentity } = securityOf(accounts, "bootstrap");
  const trouble = await storeTrouble(sources);
  const live = server.registrations.byEndpoint(endpoint);
  return {
    nowMs: sources.nowMs(),
    endpoint,
    mode,
    pskIdentity,
    bootstrapIdentity,
    handshakes: [
      ...(pskIdentity === undefined ? [] : troubles.ofIdentity("server", pskIdentity)),
      ...(bootstrapIdentity === undefined ? [] : troubles.ofIdentity("bootstrap", bootstrapIdentity)),
    ].toSorted((a, b) => b.atMs - a.atMs),
    unknownIdentities: troubles.unknownIdentities(),
    troubles: troubles.of(endpoint),
    ...(await storedFacts(sources, device)),
    ...(live ? await registeredFacts(sources, live) : NOTHING_REGISTERED),
    storeTrouble: trouble,
  };
}
