/** Options of tenants: texts under category and key (platform API 15). Keys that begin with `credentials.` are stored sealed. */
import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { MooringError } from "../base/errors.ts";
import { compileSchema } from "../base/schema.ts";
import type { SecretBox } from "../base/secret-box.ts";
import { keyOf } from "../store/collections/keys.ts";
import { TENANT_OPTIONS, type TenantOptionDocument } from "../store/collections/tenants.ts";
import { type Store, updateOp } from "../store/store.ts";
import { createInTurn } from "./in-turn.ts";

const SEALED_PREFIX = "credentials.";
/** Stands for a sealed value whoever reads; written back it changes nothing. */
export const ENCRYPTED = "<<Encrypted>>";

/** Of a document's `_id`. */
const LONGEST_ID = 512;
const LONGEST_NAME = 250;
const LONGEST_VALUE = 256 * 1024;
const MOST_OPTIONS = 2000;

export interface TenantOption {
  readonly category: string;
  readonly key: string;
  readonly value: string;
}

/** Values of one category by key, secrets in the clear. */
export type OptionValues = ReadonlyMap<string, string>;

/** The part of the host whose options a category holds: the only one that sees its secrets. */
export interface OptionOwner {
  /**
   * Looks at a category as it would be.
   * @param changed keys that are about to change
   * @throws MooringError VALIDATION, and nothing is stored
   */
  check(values: OptionValues, changed: readonly string[]): void;
  /** The category is stored anew. Whoever changed it waits. */
  changed(tenant: string): Promise<void>;
}

export interface TenantOptions {
  /** By category and key. */
  list(tenant: string): Promise<readonly TenantOption[]>;
  ofCategory(tenant: string, category: string): Promise<Readonly<Record<string, string>>>;
  /** @throws MooringError NOT_FOUND */
  get(tenant: string, category: string, key: string): Promise<TenantOption>;
  /**
   * Creates or replaces, all or nothing on validation.
   * @param values by key, unchecked
   * @throws MooringError VALIDATION naming the key, CONFLICT when the tenant has too many
   */
  set(tenant: string, category: string, values: unknown): Promise<void>;
  /** @throws MooringError NOT_FOUND */
  delete(tenant: string, category: string, key: string): Promise<void>;
  /** One owner for a category, before anything is asked. */
  own(category: string, owner: OptionOwner): void;
  /**
   * For the owner. What cannot be opened with the key in use is left out and told.
   * @param unreadable keys are added here
   */
  reveal(tenant: string, category: string, unreadable?: Set<string>): Promise<OptionValues>;
}

const checkValues = compileSchema<Readonly<Record<string, string>>>({
  type: "object",
  additionalProperties: { type: "string", maxLength: LONGEST_VALUE },
});

/** @throws MooringError VALIDATION naming the member */
export const readTenantOption = compileSchema<TenantOption>({
  type: "object",
  required: ["category", "key", "value"],
  properties: {
    category: { type: "string" },
    key: { type: "string" },
    value: { type: "string", maxLength: LONGEST_VALUE },
  },
});
/** What else there is, is in the path already. @throws MooringError VALIDATION */
export const readOptionValue = compileSchema<Pick<TenantOption, "value">>({
  type: "object",
  required: ["value"],
  properties: { value: { type: "string", maxLength: LONGEST_VALUE } },
});

const invalid = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

const noOption = (category: string, key: string): MooringError =>
  new MooringError("NOT_FOUND", `No option '${category}/${key}'!`, { category, key });

function checkName(field: string, name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (name.length < 1 || name.length > LONGEST_NAME || /[\u0000-\u001f\u007f]/.test(name)) {
    throw invalid(field, `must have 1 to ${LONGEST_NAME} characters, none of them a control character`);
  }
}

function idOf(tenant: string, category: string, key: string): string {
  checkName("category", category);
  checkName("key", key);
  const id = keyOf(tenant, category, key);
  if (id.length > LONGEST_ID) throw invalid("key", "is too long together with its category");
  return id;
}

const isSealed = (key: string): boolean => key.startsWith(SEALED_PREFIX);

const shown = ({ category, key, value, sealed }: TenantOptionDocument): TenantOption => ({
  category,
  key,
  value: sealed ? ENCRYPTED : value,
});

const NOBODY: OptionOwner = { check: () => {}, changed: async () => {} };

export interface TenantOptionsParts {
  readonly store: Store;
  readonly secrets: SecretBox;
}

export function createTenantOptions({ store, secrets }: TenantOptionsParts): TenantOptions {
  const options = store.collection(TENANT_OPTIONS);
  const owners = new Map<string, OptionOwner>();
  const inTurn = createInTurn();
  const ownerOf = (category: string): OptionOwner => owners.get(category) ?? NOBODY;

  const find = (tenant: string, category: string, key: string): Promise<TenantOptionDocument | undefined> =>
    options.findOne({ _id: idOf(tenant, category, key) });

  const documentsOf = (tenant: string, category?: string): Promise<TenantOptionDocument[]> =>
    options.find(category === undefined ? { tenant } : { tenant, category }, {
      sort: [["category", 1]],
      limit: MOST_OPTIONS,
    });

  function open({ _id, value, sealed }: TenantOptionDocument): string {
    return sealed ? decodeUtf8(secrets.open(value, `tenantOptions/${_id}`))! : value;
  }

  async function reveal(tenant: string, category: string, unreadable = new Set<string>()): Promise<OptionValues> {
    const values = new Map<string, string>();
    for (const document of await documentsOf(tenant, category)) {
      try {
        values.set(document.key, open(document));
      } catch {
        unreadable.add(document.key);
      }
    }
    return values;
  }

  /** What really changes: a placeholder that comes back stands for what is there. */
  function changesOf(stored: readonly TenantOptionDocument[], values: Readonly<Record<string, string>>) {
    const known = new Set(stored.map(({ key }) => key));
    const isPlaceholder = (key: string, value: string): boolean => isSealed(key) && value === ENCRYPTED;
    for (const [key, value] of Object.entries(values)) {
      if (isPlaceholder(key, value) && !known.has(key))
        throw invalid(key, `must not be ${ENCRYPTED}: nothing is stored yet`);
    }
    return Object.entries(values).filter(([key, value]) => !isPlaceholder(key, value));
  }

  async function checkRoom(tenant: string, more: number): Promise<void> {
    if ((await options.count({ tenant }, MOST_OPTIONS + 1)) + more > MOST_OPTIONS) {
      throw new MooringError("CONFLICT", `a tenant has at most ${MOST_OPTIONS} options`, {
        most: MOST_OPTIONS,
      });
    }
  }

  function documentOf(tenant: string, category: string, key: string, value: string): TenantOptionDocument {
    const _id = idOf(tenant, category, key);
    const sealed = isSealed(key);
    const kept = sealed ? secrets.seal(encodeUtf8(value), `tenantOptions/${_id}`) : value;
    return { _id, tenant, category, key, value: kept, sealed };
  }

  const upsertOp = ({ _id, value, ...rest }: TenantOptionDocument) =>
    updateOp(TENANT_OPTIONS, { _id }, { $set: { value }, $setOnInsert: rest }, { upsert: true });

  async function change(tenant: string, category: string, values: Readonly<Record<string, string>>): Promise<void> {
    const stored = await documentsOf(tenant, category);
    const changes = changesOf(stored, values);
    const documents = changes.map(([key, value]) => documentOf(tenant, category, key, value));
    await checkRoom(tenant, documents.filter(({ _id }) => !stored.some(known => known._id === _id)).length);
    const owner = ownerOf(category);
    const future = new Map([...(await reveal(tenant, category)), ...changes]);
    owner.check(
      future,
      changes.map(([key]) => key),
    );
    await store.write(documents.map(upsertOp));
    await owner.changed(tenant);
  }

  return {
    list: async tenant => (await documentsOf(tenant)).map(shown),

    async ofCategory(tenant, category) {
      const documents = await documentsOf(tenant, category);
      return Object.fromEntries(documents.map(shown).map(({ key, value }) => [key, value]));
    },

    async get(tenant, category, key) {
      const document = await find(tenant, category, key);
      if (!document) throw noOption(category, key);
      return shown(document);
    },

    set: (tenant, category, values) => inTurn(async () => change(tenant, category, checkValues(values))),

    delete: (tenant, category, key) =>
      inTurn(async () => {
        if ((await options.deleteMany({ _id: idOf(tenant, category, key) })) === 0) throw noOption(category, key);
        await ownerOf(category).changed(tenant);
      }),

    own: (category, owner) => void owners.set(category, owner),
    reveal,
  };
}
