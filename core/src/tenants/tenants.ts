/** Tenants and their users over the store. */
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError } from "../base/errors.ts";
import { type Random, urlSafeId } from "../base/random.ts";
import { keyOf } from "../store/collections/keys.ts";
import { TENANTS, USERS, type UserDocument } from "../store/collections/tenants.ts";
import type { Store } from "../store/store.ts";
import { ATTEMPT_LIMITS, type AttemptLimits } from "./attempt-limit.ts";
import { type Credentials, createAuthenticator } from "./authenticate.ts";
import { hashPassword, SCRYPT_PARAMETERS, type ScryptParameters } from "./password.ts";
import { isRole } from "./roles.ts";
import { ADMINISTRATORS, checkPassword, checkTenantName, checkUserName, toUser, type User } from "./user.ts";
import { VERIFIED_LOGIN_LIMITS, type VerifiedLoginLimits } from "./verified-logins.ts";

/** Holds what all tenants inherit: object models and mappings. Nobody's devices. */
export const MANAGEMENT_TENANT = "management";

const GENERATED_PASSWORD_LENGTH = 20;
const MOST_TENANTS = 5000;

export interface NewUser {
  readonly userName: string;
  readonly password: string;
  /** Names of roles, or ADMINISTRATORS. */
  readonly roles: readonly string[];
  readonly isDevice?: boolean;
}

/** A login that was made up here; kept nowhere, to be shown once. */
export interface GeneratedLogin {
  readonly tenant: string;
  readonly userName: string;
  readonly password: string;
}

export interface FirstTenant {
  readonly tenant: string;
  readonly adminUser: string;
  /** Without one, an administrator who is to be made gets a generated one. */
  readonly adminPassword?: string;
  /**
   * Told that login before it is stored: whatever fails or dies afterwards, nobody is locked out. One that was not stored is
   * never of use, and the next start makes another.
   */
  onGenerated?(login: GeneratedLogin): void;
}

export interface Tenants {
  /**
   * Makes the management tenant, a first tenant and its administrator, whichever is missing. An administrator that is there
   * keeps its password. @throws MooringError VALIDATION
   */
  ensureFirstTenant(first: FirstTenant): Promise<void>;
  /** Names, in ascending order. */
  list(): Promise<readonly string[]>;
  /** @throws MooringError UNAUTHORIZED, TOO_MANY_REQUESTS, OVERLOADED */
  authenticate(credentials: Credentials): Promise<User>;
  /** @throws MooringError VALIDATION, NOT_FOUND without the tenant, DUPLICATE */
  createUser(tenant: string, user: NewUser): Promise<User>;
  findUser(tenant: string, userName: string): Promise<User | undefined>;
  /** @throws MooringError VALIDATION, NOT_FOUND */
  setPassword(tenant: string, userName: string, password: string): Promise<void>;
  /** A user that is not enabled cannot log in. @throws MooringError NOT_FOUND */
  setEnabled(tenant: string, userName: string, enabled: boolean): Promise<void>;
  /** @throws MooringError NOT_FOUND */
  deleteUser(tenant: string, userName: string): Promise<void>;
}

export interface TenantsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly scrypt?: ScryptParameters;
  readonly attempts?: AttemptLimits;
  readonly verifiedLogins?: VerifiedLoginLimits;
  /** Default 16. */
  readonly maxChecksInFlight?: number;
  /** Default 8. */
  readonly maxChecksPerAddress?: number;
}

const userKey = (tenant: string, userName: string): string => keyOf(tenant, userName);
const noUser = (userName: string): MooringError =>
  new MooringError("NOT_FOUND", `No user '${userName}'!`, { userName });

function checkRoles(roles: readonly string[]): void {
  const unknown = roles.find(role => role !== ADMINISTRATORS && !isRole(role));
  if (unknown !== undefined) {
    throw new MooringError("VALIDATION", `roles: there is no role ${unknown}`, {
      field: "roles",
      rule: "must name known roles",
    });
  }
}

export function createTenants(parts: TenantsParts): Tenants {
  const { store, clock, random, scrypt = SCRYPT_PARAMETERS } = parts;
  const tenants = store.collection(TENANTS);
  const users = store.collection(USERS);

  let names: readonly string[] | undefined;
  const list = async (): Promise<readonly string[]> =>
    (names ??= (await tenants.find({}, { limit: MOST_TENANTS })).map(({ _id }) => _id));

  const findDocument = (tenant: string, userName: string): Promise<UserDocument | undefined> =>
    users.findOne({ _id: userKey(tenant, userName) });

  const authenticator = createAuthenticator({
    clock,
    random,
    scrypt,
    attempts: parts.attempts ?? ATTEMPT_LIMITS,
    verifiedLogins: parts.verifiedLogins ?? VERIFIED_LOGIN_LIMITS,
    maxChecksInFlight: parts.maxChecksInFlight ?? 16,
    maxChecksPerAddress: parts.maxChecksPerAddress ?? 8,
    findUser: findDocument,
    async defaultTenant() {
      const others = (await list()).filter(name => name !== MANAGEMENT_TENANT);
      return others.length === 1 ? others[0] : undefined;
    },
  });

  const ensureTenant = async (name: string): Promise<void> => {
    checkTenantName(name);
    await tenants.insertMany([{ _id: name, creationTime: clock.now(), details: {} }]);
    names = undefined;
  };

  const createUser = async (
    tenant: string,
    { userName, password, roles, isDevice = false }: NewUser,
  ): Promise<User> => {
    checkUserName(userName);
    checkPassword(password);
    checkRoles(roles);
    if ((await tenants.count({ _id: tenant }, 1)) === 0) {
      throw new MooringError("NOT_FOUND", `No tenant '${tenant}'!`, { tenant });
    }
    const document: UserDocument = {
      _id: userKey(tenant, userName),
      tenant,
      userName,
      enabled: true,
      isDevice,
      roles,
      passwordHash: await hashPassword(password, random, scrypt),
      creationTime: clock.now(),
      details: {},
    };
    try {
      await users.insertOne(document);
    } catch (error) {
      if (!isFailure(error, "DUPLICATE_KEY")) throw error;
      throw new MooringError("DUPLICATE", `user '${userName}' exists already`, { userName });
    }
    return toUser(document);
  };

  const change = async (
    tenant: string,
    userName: string,
    $set: Partial<Pick<UserDocument, "passwordHash" | "enabled">>,
  ): Promise<void> => {
    const { matched } = await users.updateOne({ _id: userKey(tenant, userName) }, { $set });
    authenticator.userChanged(tenant, userName);
    if (!matched) throw noUser(userName);
  };

  return {
    async ensureFirstTenant({ tenant, adminUser: userName, adminPassword, onGenerated }) {
      await ensureTenant(MANAGEMENT_TENANT);
      await ensureTenant(tenant);
      checkUserName(userName);
      if (await findDocument(tenant, userName)) return;
      const password = adminPassword ?? urlSafeId(random, GENERATED_PASSWORD_LENGTH);
      if (adminPassword === undefined) onGenerated?.({ tenant, userName, password });
      await createUser(tenant, { userName, password, roles: [ADMINISTRATORS] });
    },

    list,
    authenticate: authenticator.authenticate,
    createUser,

    async findUser(tenant, userName) {
      const document = await findDocument(tenant, userName);
      return document && toUser(document);
    },

    async setPassword(tenant, userName, password) {
      checkPassword(password);
      await change(tenant, userName, { passwordHash: await hashPassword(password, random, scrypt) });
    },

    setEnabled: (tenant, userName, enabled) => change(tenant, userName, { enabled }),

    async deleteUser(tenant, userName) {
      const deleted = await users.deleteMany({ _id: userKey(tenant, userName) });
      authenticator.userChanged(tenant, userName);
      if (deleted === 0) throw noUser(userName);
    },
  };
}
