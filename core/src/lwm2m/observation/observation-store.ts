/** Observations as stored documents: what is needed to take them up again without a message to the device. */
import { createHash } from "node:crypto";
import { fromHex, toHex } from "../../base/bytes.ts";
import type { JsonObject } from "../../store/collection.ts";
import { OBSERVATIONS, type ObservationDocument } from "../../store/collections/devices.ts";
import { keyOf } from "../../store/collections/keys.ts";
import type { Store } from "../../store/store.ts";
import { formatPath, parsePath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import type { NotificationAttributes } from "../wire/to-coap.ts";
import { formatTarget, type ObservationTarget, onePath, pathSet } from "./observation-target.ts";

export interface StoredObservation {
  readonly endpoint: string;
  readonly registrationId: string;
  readonly target: ObservationTarget;
  readonly token: Uint8Array;
  readonly accept: number;
  /** Content-Format of the list of paths of a composite observation. */
  readonly listFormat: number | undefined;
  readonly attributes: NotificationAttributes | undefined;
  readonly createdAtMs: number;
}

interface ObservationDetails {
  readonly accept: number;
  /** Of a composite observation. */
  readonly paths?: readonly string[];
  readonly listFormat?: number;
  readonly attributes?: NotificationAttributes;
}

export interface ObservationStore {
  /** Inserts, or replaces what the endpoint had under this target. */
  save(registration: Registration, observation: StoredObservation): Promise<void>;
  /** Of one target, or of the whole registration; observations of a newer registration stay. */
  delete(registration: Registration, target?: ObservationTarget): Promise<void>;
  deleteRegistration(endpoint: string, registrationId: string): Promise<void>;
  /** Everything that this node owns. */
  all(): Promise<StoredObservation[]>;
}

function observationOf(document: ObservationDocument): StoredObservation {
  const details = document.details as unknown as ObservationDetails;
  return {
    endpoint: document.endpoint,
    registrationId: document.registrationId,
    target: details.paths ? pathSet(details.paths.map(parsePath)) : onePath(parsePath(document.path)),
    token: fromHex(document.token),
    accept: details.accept,
    listFormat: details.listFormat,
    attributes: details.attributes,
    createdAtMs: document.createdAt,
  };
}

/** Sets of paths may be longer than an id. */
function idOf(endpoint: string, target: ObservationTarget): string {
  const text = formatTarget(target);
  return keyOf(endpoint, target.paths ? createHash("sha256").update(text).digest("base64url") : text);
}

export function createObservationStore(store: Store, node: string): ObservationStore {
  const collection = store.collection(OBSERVATIONS);
  return {
    async save({ endpoint, tenant }, observation) {
      const { target, accept, listFormat, attributes } = observation;
      const path = formatTarget(target);
      const composite = target.paths && { paths: target.paths.map(formatPath), listFormat: listFormat ?? accept };
      await collection.replaceOne(
        {
          _id: idOf(endpoint, target),
          tenant,
          endpoint,
          path,
          registrationId: observation.registrationId,
          node,
          token: toHex(observation.token),
          createdAt: observation.createdAtMs,
          details: { accept, ...(attributes && { attributes }), ...composite } as unknown as JsonObject,
        },
        { upsert: true },
      );
    },
    async delete({ endpoint, id }, target) {
      const one = target && { _id: idOf(endpoint, target) };
      await collection.deleteMany({ endpoint, registrationId: id, ...one });
    },
    async deleteRegistration(endpoint, registrationId) {
      await collection.deleteMany({ endpoint, registrationId });
    },
    async all() {
      const found: StoredObservation[] = [];
      const documents = collection.stream({ node }, { pageSize: 2000 });
      for await (const document of documents) found.push(observationOf(document));
      return found;
    },
  };
}
