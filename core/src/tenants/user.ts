/** Users of a tenant, without their secrets. */
import { MooringError } from "../base/errors.ts";
import type { UserDocument } from "../store/collections/tenants.ts";
import { isAllowed, type Permission, ROLES } from "./roles.ts";

/** The group whose members have every role, also those that come with a later release. */
export const ADMINISTRATORS = "admins";

export interface User {
  readonly tenant: string;
  readonly userName: string;
  readonly enabled: boolean;
  /** The account of a device, `device_<id>`. */
  readonly isDevice: boolean;
  /** Roles as given: names of {@link ROLES}, or {@link ADMINISTRATORS}. */
  readonly roles: readonly string[];
}

export const toUser = ({ tenant, userName, enabled, isDevice, roles }: UserDocument): User => ({
  tenant,
  userName,
  enabled,
  isDevice,
  roles,
});

export const isAdministrator = (user: User): boolean => user.roles.includes(ADMINISTRATORS);

/** What the user may do in the end. */
export const effectiveRoles = (user: User): readonly string[] => (isAdministrator(user) ? ROLES : user.roles);

export const mayUser = (user: User, permission: Permission): boolean =>
  isAdministrator(user) || isAllowed(user.roles, permission);

const TENANT_NAME = /^[a-z][a-z0-9_-]{0,31}$/;
/** No control characters, blanks, `/` and `:`, which part tenant, user and password in a login (RFC 7617 section 2). */
const USER_NAME = /^[^\p{C}\s/:]{1,150}$/u;
const SHORTEST_PASSWORD = 8;
const LONGEST_PASSWORD = 256;

const invalid = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

/** @throws MooringError VALIDATION */
export function checkTenantName(name: string): void {
  if (!TENANT_NAME.test(name)) {
    throw invalid("tenant", "must begin with a letter and hold at most 32 of a-z, 0-9, - and _");
  }
}

/** @throws MooringError VALIDATION */
export function checkUserName(name: string): void {
  if (!USER_NAME.test(name)) throw invalid("userName", "must be 1 to 150 characters without blanks, / and :");
}

/** Whether there could be such a user at all. */
export const mayExist = (tenant: string, userName: string): boolean =>
  TENANT_NAME.test(tenant) && USER_NAME.test(userName);

/** @throws MooringError VALIDATION */
export function checkPassword(password: string): void {
  if (password.length < SHORTEST_PASSWORD || password.length > LONGEST_PASSWORD) {
    throw invalid("password", `must be ${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters long`);
  }
}
