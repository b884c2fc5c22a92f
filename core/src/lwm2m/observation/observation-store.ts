/** Observations as stored documents: what is needed to take them up again without a message to the device. */
import { fromHex, toHex } from "../../base/bytes.ts";
import type { JsonObject } from "../../store/collection.ts";
import { keyOf, OBSERVATIONS, type ObservationDocument } from "../../store/collections.ts";
import type { Store } from "../../store/store.ts";
import { formatPath, type Lwm2mPath, parsePath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import type { NotificationAttributes } from "../wire/to-coap.ts";

export interface StoredObservation {
  readonly endpoint: string;
  readonly registrationId: string;
  readonly path: Lwm2mPath;
  readonly token: Uint8Array;
  readonly accept: number;
  readonly attributes: NotificationAttributes | undefined;
  readonly createdAtMs: number;
}

interface ObservationDetails {
  readonly accept: number;
  readonly attributes?: NotificationAttributes;
}

export interface ObservationStore {
  /** Inserts, or replaces what the endpoint had under this path. */
  save(registration: Registration, observation: StoredObservation): Promise<void>;
  /** Of one path, or of the whole registration; observations of a newer registration stay. */
  delete(registration: Registration, path?: Lwm2mPath): Promise<void>;
  deleteRegistration(endpoint: string, registrationId: string): Promise<void>;
  /** Everything that this node owns. */
  all(): Promise<StoredObservation[]>;
}

function observationOf(document: ObservationDocument): StoredObservation {
  const details = document.details as unknown as ObservationDetails;
  return {
    endpoint: document.endpoint,
    registrationId: document.registrationId,
    path: parsePath(document.path),
    token: fromHex(document.token),
    accept: details.accept,
    attributes: details.attributes,
    createdAtMs: document.createdAt,
  };
}

export function createObservationStore(store: Store, node: string): ObservationStore {
  const collection = store.collection(OBSERVATIONS);
  return {
    async save({ endpoint, tenant }, observation) {
      const path = formatPath(observation.path);
      const { accept, attributes } = observation;
      await collection.replaceOne(
        {
          _id: keyOf(endpoint, path),
          tenant,
          endpoint,
          path,
          registrationId: observation.registrationId,
          node,
          token: toHex(observation.token),
          createdAt: observation.createdAtMs,
          details: { accept, ...(attributes && { attributes }) } as unknown as JsonObject,
        },
        { upsert: true },
      );
    },
    async delete({ endpoint, id }, path) {
      const one = path && { _id: keyOf(endpoint, formatPath(path)) };
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
