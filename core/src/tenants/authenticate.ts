/** From tenant, user name and password to a user. */
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { UserDocument } from "../store/collections/tenants.ts";
import { type AttemptLimits, createAttemptLimit } from "./attempt-limit.ts";
import { hashPassword, type ScryptParameters, verifyPassword } from "./password.ts";
import { mayExist, toUser, type User } from "./user.ts";
import { createVerifiedLogins, type VerifiedLoginLimits } from "./verified-logins.ts";

export interface Credentials {
  /** Without one: the only tenant. */
  readonly tenant: string | undefined;
  readonly userName: string;
  readonly password: string;
  /** Where the request came from, for the limit of attempts. */
  readonly address: string;
}

export interface AuthenticateParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly scrypt: ScryptParameters;
  readonly attempts: AttemptLimits;
  readonly verifiedLogins: VerifiedLoginLimits;
  /** Passwords checked at once; more are refused with OVERLOADED. */
  readonly maxChecksInFlight: number;
  /** The same for one address, so that nobody takes all places. */
  readonly maxChecksPerAddress: number;
  findUser(tenant: string, userName: string): Promise<UserDocument | undefined>;
  defaultTenant(): Promise<string | undefined>;
}

export interface Authenticator {
  /** @throws MooringError UNAUTHORIZED (the same for every cause), TOO_MANY_REQUESTS, OVERLOADED */
  authenticate(credentials: Credentials): Promise<User>;
  /** To be called when a user was changed or deleted. */
  userChanged(tenant: string, userName: string): void;
}

const badCredentials = (): MooringError => new MooringError("UNAUTHORIZED", "Invalid credentials! : Bad credentials");

export function createAuthenticator(parts: AuthenticateParts): Authenticator {
  const { clock, random, scrypt, maxChecksInFlight, findUser, defaultTenant } = parts;
  const limit = createAttemptLimit(clock, parts.attempts);
  const verified = createVerifiedLogins(clock, random, parts.verifiedLogins);
  const inFlight = new Map<string, Promise<User>>();
  const checksFrom = new Map<string, number>();
  let nobodysHash: Promise<string> | undefined;

  /** Costs as much for a user that is not there as for a wrong password. */
  const check = async (tenant: string, userName: string, password: string): Promise<User> => {
    const document = await findUser(tenant, userName);
    nobodysHash ??= hashPassword("", random, scrypt);
    const matches = await verifyPassword(password, document?.passwordHash ?? (await nobodysHash));
    if (!document || !matches || !document.enabled) throw badCredentials();
    return toUser(document);
  };

  const login = async (key: string, tenant: string, { userName, password, address }: Credentials): Promise<User> => {
    const others = checksFrom.get(address) ?? 0;
    if (inFlight.size >= maxChecksInFlight || others >= parts.maxChecksPerAddress) {
      throw new MooringError("OVERLOADED", "too many logins at once");
    }
    const attempt = `${tenant}/${userName} ${address}`;
    limit.begin(attempt);
    const checking = check(tenant, userName, password);
    inFlight.set(key, checking);
    checksFrom.set(address, others + 1);
    try {
      const user = await checking;
      limit.succeeded(attempt);
      verified.add(key, user);
      return user;
    } finally {
      inFlight.delete(key);
      const left = checksFrom.get(address)! - 1;
      if (left > 0) checksFrom.set(address, left);
      else checksFrom.delete(address);
    }
  };

  return {
    async authenticate(credentials) {
      const tenant = credentials.tenant ?? (await defaultTenant());
      // A name that nobody can have is not worth a check, nor a place in any memory.
      if (tenant === undefined || !mayExist(tenant, credentials.userName)) throw badCredentials();
      const key = verified.keyOf(tenant, credentials.userName, credentials.password);
      // Requests that come together with the same credentials are one attempt.
      return verified.get(key) ?? (await (inFlight.get(key) ?? login(key, tenant, credentials)));
    },
    userChanged: verified.forget,
  };
}
