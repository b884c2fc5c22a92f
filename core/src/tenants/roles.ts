/** Roles, by what they allow (platform API 19). The administrator has them all. */

export const ROLES = [
  "ROLE_INVENTORY_READ",
  "ROLE_INVENTORY_CREATE",
  "ROLE_INVENTORY_ADMIN",
  "ROLE_MANAGED_OBJECT_READ",
  "ROLE_MANAGED_OBJECT_CREATE",
  "ROLE_MANAGED_OBJECT_ADMIN",
  "ROLE_BINARY_READ",
  "ROLE_BINARY_CREATE",
  "ROLE_BINARY_ADMIN",
  "ROLE_IDENTITY_READ",
  "ROLE_IDENTITY_ADMIN",
  "ROLE_MEASUREMENT_READ",
  "ROLE_MEASUREMENT_ADMIN",
  "ROLE_EVENT_READ",
  "ROLE_EVENT_ADMIN",
  "ROLE_ALARM_READ",
  "ROLE_ALARM_ADMIN",
  "ROLE_DEVICE_CONTROL_READ",
  "ROLE_DEVICE_CONTROL_ADMIN",
  "ROLE_DEVICE_BOOTSTRAP",
  "ROLE_BULK_OPERATION_READ",
  "ROLE_BULK_OPERATION_ADMIN",
  "ROLE_AUDIT_READ",
  "ROLE_AUDIT_ADMIN",
  "ROLE_OPTION_MANAGEMENT_READ",
  "ROLE_OPTION_MANAGEMENT_ADMIN",
  "ROLE_TENANT_ADMIN",
  "ROLE_TENANT_MANAGEMENT_READ",
  "ROLE_TENANT_MANAGEMENT_ADMIN",
  "ROLE_USER_MANAGEMENT_READ",
  "ROLE_USER_MANAGEMENT_OWN_READ",
  "ROLE_USER_MANAGEMENT_ADMIN",
  "ROLE_USER_MANAGEMENT_OWN_ADMIN",
  "ROLE_NOTIFICATION_2_ADMIN",
] as const;
export type Role = (typeof ROLES)[number];

export const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text);

/**
 * Any of the roles of a list allows. Whoever may change may also see: the role to write stands in the list to read.
 * Without an entry here a request needs no role, only a user.
 */
const ALLOWED_BY = {
  "inventory:read": [
    "ROLE_INVENTORY_READ",
    "ROLE_MANAGED_OBJECT_READ",
    "ROLE_INVENTORY_ADMIN",
    "ROLE_MANAGED_OBJECT_ADMIN",
  ],
  "inventory:create": [
    "ROLE_INVENTORY_ADMIN",
    "ROLE_MANAGED_OBJECT_ADMIN",
    "ROLE_INVENTORY_CREATE",
    "ROLE_MANAGED_OBJECT_CREATE",
  ],
  "inventory:write": ["ROLE_INVENTORY_ADMIN", "ROLE_MANAGED_OBJECT_ADMIN"],
  "binary:read": ["ROLE_INVENTORY_READ", "ROLE_BINARY_READ", "ROLE_INVENTORY_ADMIN", "ROLE_BINARY_ADMIN"],
  "binary:create": ["ROLE_INVENTORY_ADMIN", "ROLE_BINARY_ADMIN", "ROLE_BINARY_CREATE"],
  "binary:write": ["ROLE_INVENTORY_ADMIN", "ROLE_BINARY_ADMIN"],
  "identity:read": ["ROLE_IDENTITY_READ", "ROLE_IDENTITY_ADMIN"],
  "identity:write": ["ROLE_IDENTITY_ADMIN"],
  "measurement:read": ["ROLE_MEASUREMENT_READ", "ROLE_MEASUREMENT_ADMIN"],
  "measurement:write": ["ROLE_MEASUREMENT_ADMIN"],
  "event:read": ["ROLE_EVENT_READ", "ROLE_EVENT_ADMIN"],
  "event:write": ["ROLE_EVENT_ADMIN"],
  "alarm:read": ["ROLE_ALARM_READ", "ROLE_ALARM_ADMIN"],
  "alarm:write": ["ROLE_ALARM_ADMIN"],
  "operation:read": ["ROLE_DEVICE_CONTROL_READ", "ROLE_DEVICE_CONTROL_ADMIN"],
  "operation:write": ["ROLE_DEVICE_CONTROL_ADMIN"],
  "campaign:read": ["ROLE_BULK_OPERATION_READ", "ROLE_BULK_OPERATION_ADMIN"],
  "campaign:write": ["ROLE_BULK_OPERATION_ADMIN"],
  "option:read": ["ROLE_OPTION_MANAGEMENT_READ", "ROLE_OPTION_MANAGEMENT_ADMIN"],
  "option:write": ["ROLE_OPTION_MANAGEMENT_ADMIN"],
  "trustedCertificate:read": ["ROLE_TENANT_MANAGEMENT_READ", "ROLE_TENANT_MANAGEMENT_ADMIN", "ROLE_TENANT_ADMIN"],
  "trustedCertificate:write": ["ROLE_TENANT_MANAGEMENT_ADMIN", "ROLE_TENANT_ADMIN"],
  "decoder:read": ["ROLE_INVENTORY_READ", "ROLE_INVENTORY_ADMIN", "ROLE_TENANT_MANAGEMENT_ADMIN", "ROLE_TENANT_ADMIN"],
  "decoder:write": ["ROLE_TENANT_MANAGEMENT_ADMIN", "ROLE_TENANT_ADMIN"],
  "plugin:read": ["ROLE_OPTION_MANAGEMENT_READ", "ROLE_OPTION_MANAGEMENT_ADMIN"],
  "plugin:write": ["ROLE_OPTION_MANAGEMENT_ADMIN"],
  "metrics:read": ["ROLE_OPTION_MANAGEMENT_READ", "ROLE_OPTION_MANAGEMENT_ADMIN"],
} as const satisfies Readonly<Record<string, readonly Role[]>>;
export type Permission = keyof typeof ALLOWED_BY;

export function isAllowed(roles: readonly string[], permission: Permission): boolean {
  const allowed: readonly string[] = ALLOWED_BY[permission];
  return roles.some(role => allowed.includes(role));
}
