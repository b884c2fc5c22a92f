/**
 * Logins that were verified lately, so that scrypt is not paid with each request. Kept under an HMAC with a key of this
 * process alone: the memory holds no password and nothing that a password could be tried against elsewhere.
 */
import { createHmac, createSecretKey } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { User } from "./user.ts";

export interface VerifiedLogins {
  /** Name of a login: the same for the same credentials, in this process. */
  keyOf(tenant: string, userName: string, password: string): string;
  get(key: string): User | undefined;
  add(key: string, user: User): void;
  /** The user has changed: each of its logins must be verified again. */
  forget(tenant: string, userName: string): void;
}

export interface VerifiedLoginLimits {
  readonly ttlMs: number;
  readonly capacity: number;
}

export const VERIFIED_LOGIN_LIMITS: VerifiedLoginLimits = { ttlMs: 60_000, capacity: 1000 };

export function createVerifiedLogins(clock: Clock, random: Random, limits: VerifiedLoginLimits): VerifiedLogins {
  const secret = createSecretKey(random.bytes(32));
  const logins = new Map<string, { readonly user: User; readonly untilMs: number }>();

  return {
    keyOf: (tenant, userName, password) =>
      // Neither a tenant nor a user name may hold a colon.
      createHmac("sha256", secret).update(`${tenant}:${userName}:${password}`).digest("base64"),

    get(key) {
      const login = logins.get(key);
      if (login && login.untilMs > clock.monotonic()) return login.user;
      logins.delete(key);
      return undefined;
    },

    add(key, user) {
      if (logins.size >= limits.capacity) logins.delete(logins.keys().next().value!);
      logins.set(key, { user, untilMs: clock.monotonic() + limits.ttlMs });
    },

    forget(tenant, userName) {
      for (const [key, { user }] of logins) {
        if (user.tenant === tenant && user.userName === userName) logins.delete(key);
      }
    },
  };
}
