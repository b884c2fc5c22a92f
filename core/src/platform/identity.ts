/** External ids of managed objects: a pair of type and id, unique per tenant (platform API 7). */
import { isFailure, MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import { keyOf } from "../store/collections/keys.ts";
import { EXTERNAL_IDS, type ExternalIdDocument, MANAGED_OBJECTS } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import { invalid } from "./body.ts";
import { noManagedObject } from "./failures.ts";
import type { ExternalId, Identity } from "./platform.ts";
import { wordsOf } from "./words.ts";

const MOST_EXTERNAL_IDS = 1000;
/** Of a document's `_id`. */
const LONGEST_KEY = 512;

const EXTERNAL_ID_SCHEMA: JsonSchema = {
  type: "object",
  required: ["type", "externalId"],
  properties: {
    type: { type: "string", minLength: 1, maxLength: 100 },
    externalId: { type: "string", minLength: 1, maxLength: 250 },
  },
};

interface ExternalIdBody {
  readonly type: string;
  readonly externalId: string;
}
/** @throws MooringError VALIDATION */
export const checkExternalId = compileSchema<ExternalIdBody>(EXTERNAL_ID_SCHEMA);

const externalIdKey = (tenant: string, type: string, externalId: string): string => keyOf(tenant, type, externalId);

/** @throws MooringError VALIDATION where the pair makes no key */
export function externalIdDocument(
  tenant: string,
  managedObject: string,
  { type, externalId }: ExternalIdBody,
): ExternalIdDocument {
  const key = externalIdKey(tenant, type, externalId);
  if (key.length > LONGEST_KEY) throw invalid("externalId", "is too long together with its type");
  return { _id: key, tenant, type, externalId, managedObject, words: wordsOf(externalId) };
}

const toExternalId = (document: ExternalIdDocument): ExternalId => ({
  type: document.type,
  externalId: document.externalId,
  managedObjectId: document.managedObject,
});

export const externalIdTaken = ({ type, externalId }: ExternalIdBody): MooringError =>
  new MooringError("DUPLICATE", `external id "${externalId}" of type "${type}" is bound already`, { type, externalId });

const notFound = (type: string, externalId: string): MooringError =>
  new MooringError("NOT_FOUND", "External ID not found", { type, externalId });

export function createIdentity({ store }: { readonly store: Store }): Identity {
  const externalIds = store.collection(EXTERNAL_IDS);
  const objects = store.collection(MANAGED_OBJECTS);

  const requireObject = async (tenant: string, id: string): Promise<void> => {
    if ((await objects.count({ _id: id, tenant }, 1)) === 0) throw noManagedObject(id);
  };

  return {
    async bind(tenant, managedObjectId, type, externalId) {
      const body = checkExternalId({ type, externalId });
      await requireObject(tenant, managedObjectId);
      const document = externalIdDocument(tenant, managedObjectId, body);
      try {
        await externalIds.insertOne(document);
      } catch (error) {
        throw isFailure(error, "DUPLICATE_KEY") ? externalIdTaken(body) : error;
      }
      try {
        // Deleting takes the object first and its external ids afterwards: one of the two sees the other.
        await requireObject(tenant, managedObjectId);
      } catch (error) {
        await externalIds.deleteMany({ _id: document._id });
        throw error;
      }
      return toExternalId(document);
    },

    async find(tenant, type, externalId) {
      if (type === "" || externalId === "") return undefined;
      const key = externalIdKey(tenant, type, externalId);
      const document = key.length <= LONGEST_KEY ? await externalIds.findOne({ _id: key }) : undefined;
      return document && toExternalId(document);
    },

    async of(tenant, managedObjectId) {
      await requireObject(tenant, managedObjectId);
      const found = await externalIds.find({ tenant, managedObject: managedObjectId }, { limit: MOST_EXTERNAL_IDS });
      return found.map(toExternalId);
    },

    async unbind(tenant, type, externalId) {
      if (!(await this.find(tenant, type, externalId))) throw notFound(type, externalId);
      const deleted = await externalIds.deleteMany({ _id: externalIdKey(tenant, type, externalId) });
      if (deleted === 0) throw notFound(type, externalId);
    },
  };
}
