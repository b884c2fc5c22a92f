/** Binaries over the store (platform API 13): the bytes stand apart from the managed object that shows them. */
import { createHash } from "node:crypto";
import { MooringError } from "../base/errors.ts";
import { BINARIES, type BinaryDocument, MANAGED_OBJECTS } from "../store/collections/platform.ts";
import type { Store } from "../store/store.ts";
import type { BinaryChunks } from "./binary-chunks.ts";
import { notFound } from "./failures.ts";
import type { Binaries, BinaryUpload, Inventory, ManagedObject, StoredBinary } from "./platform.ts";

export interface BinariesParts {
  readonly store: Store;
  readonly chunks: BinaryChunks;
  readonly inventory: Pick<Inventory, "create" | "update" | "findCached">;
  /** Largest binary. */
  readonly maxBytes: number;
  /** This node: at its start what it was receiving before is cleared away. */
  readonly node: string;
}

/** Marks the managed object of a binary; an empty text, as the platform has it: its presence counts. */
export const BINARY_FRAGMENT = "c8y_IsBinary";
const DEFAULT_TYPE = "application/octet-stream";
/** Type and subtype with parameters (RFC 9110 section 8.3.1): what may stand in a header. */
const MEDIA_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}(?:\s*;[\x20-\x7e]{0,200})?$/;
/** Binaries of one managed object that are looked at in one go: more than one there is only while it is replaced. */
const MOST_OF_ONE = 100;

/** Whatever comes: something else than a media type is none. */
const mediaType = (...given: readonly unknown[]): string =>
  (given.find(type => typeof type === "string" && MEDIA_TYPE.test(type)) as string | undefined) ?? DEFAULT_TYPE;

/** Deletes the binaries of a managed object; those that are received just now belong to none yet. */
export async function deleteBinariesOf(store: Store, chunks: BinaryChunks, managedObject: string): Promise<void> {
  const binaries = store.collection(BINARIES);
  for (const { _id } of await binaries.find({ managedObject }, { limit: MOST_OF_ONE })) await drop(store, chunks, _id);
}

/** The document goes last, so that a deletion cut short can be repeated. */
async function drop(store: Store, chunks: BinaryChunks, binary: string): Promise<void> {
  await chunks.delete(binary);
  await store.collection(BINARIES).deleteMany({ _id: binary });
}

export function createBinaries({ store, chunks, inventory, maxBytes, node }: BinariesParts): Binaries {
  const binaries = store.collection(BINARIES);

  const whole = async (managedObject: string): Promise<BinaryDocument[]> =>
    await binaries.find(
      { managedObject, state: { $in: ["complete", "stored"] } },
      { sort: [["_id", -1]], limit: MOST_OF_ONE },
    );

  const settled = (binary: string) => binaries.updateOne({ _id: binary }, { $set: { state: "stored" } });

  /**
   * Does what follows from a binary that is complete: its object says so, and the one before goes. Without an object it goes
   * itself: the object was deleted, or never made.
   */
  async function settle({ _id, tenant, managedObject }: BinaryDocument): Promise<ManagedObject | undefined> {
    const exists = managedObject && (await store.collection(MANAGED_OBJECTS).findOne({ _id: managedObject, tenant }));
    if (!managedObject || !exists) {
      await drop(store, chunks, _id);
      return undefined;
    }
    const [newest, ...older] = await whole(managedObject);
    const { contentType = DEFAULT_TYPE, length = 0 } = newest!;
    const object = await inventory.update(tenant, managedObject, { contentType, length, [BINARY_FRAGMENT]: "" });
    for (const each of older) await drop(store, chunks, each._id);
    await settled(newest!._id);
    return object;
  }

  /** What was begun and is not whole, or whose object may not be there. */
  async function clear(binary: string): Promise<void> {
    const document = await binaries.findOne({ _id: binary });
    if (document?.state === "uploading") await drop(store, chunks, binary);
    else if (document?.state === "complete") await settle(document);
  }

  async function begin(tenant: string): Promise<BinaryUpload> {
    const binary = String((await store.nextIds("binaries", 1))[0]);
    await binaries.insertOne({ _id: binary, tenant, state: "uploading", node });
    const writer = chunks.writer(binary);
    const digest = createHash("sha256");
    let length = 0;
    let isOver = false;

    /** From now on the bytes are those of the object, when it is there. */
    async function complete(managedObject: string, contentType: string): Promise<BinaryDocument> {
      await writer.end();
      const sha256 = digest.digest("hex");
      const update = { $set: { managedObject, state: "complete", contentType, length, sha256 } } as const;
      return (await binaries.findOneAndUpdate({ _id: binary }, update))!;
    }

    return {
      get length() {
        return length;
      },
      async write(bytes) {
        if (length + bytes.length > maxBytes) {
          throw new MooringError("TOO_LARGE", `the binary is larger than ${maxBytes} bytes`, { maxBytes });
        }
        length += bytes.length;
        digest.update(bytes);
        await writer.write(bytes);
      },
      async create({ body, contentType, owner }) {
        const id = String((await store.nextIds("managedObjects", 1))[0]);
        const type = mediaType(contentType, body["type"]);
        await complete(id, type);
        const shown = { ...body, contentType: type, length, [BINARY_FRAGMENT]: "" };
        const object = await inventory.create(tenant, shown, { owner, id });
        isOver = true;
        await settled(binary);
        return object;
      },
      async replace(id, contentType) {
        const [before] = await whole(id);
        if (before?.tenant !== tenant) throw notFound("binary", id);
        const object = await settle(await complete(id, mediaType(contentType, before.contentType)));
        if (!object) throw notFound("binary", id);
        isOver = true;
        return object;
      },
      async [Symbol.asyncDispose]() {
        if (isOver) return;
        isOver = true;
        await writer.idle();
        await clear(binary);
      },
    };
  }

  return {
    begin,

    async open(tenant, id): Promise<StoredBinary> {
      const object = await inventory.findCached(tenant, id);
      const document = object && (await whole(id))[0];
      if (!document || document.tenant !== tenant) throw notFound("binary", id);
      const { _id, contentType = DEFAULT_TYPE, length = 0, sha256 = "" } = document;
      return {
        id,
        content: _id,
        name: object.name ?? id,
        contentType,
        length,
        sha256,
        read: (offset, count) => chunks.read(_id, length, offset, count),
      };
    },

    async recover() {
      for (const state of ["uploading", "complete"] as const) {
        for await (const { _id } of binaries.stream({ node, state })) await clear(_id);
      }
    },
  };
}
