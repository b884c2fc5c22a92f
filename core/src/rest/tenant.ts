/** Who is asking, and how one logs in (platform API 3.4, 15). */
import { effectiveRoles, isAdministrator } from "../tenants/user.ts";
import { answer, createRouter, type RestContext, type RestRouter } from "./context.ts";
import type { Links } from "./links.ts";

function presentTenant(links: Links, tenant: string): object {
  return {
    name: tenant,
    domainName: new URL(links.origin).hostname,
    allowCreateTenants: false,
    customProperties: {},
    applications: { references: [] },
    self: `${links.origin}/tenant/currentTenant`,
  };
}

const presentRole = (links: Links, role: string) => ({
  id: role,
  name: role,
  self: `${links.origin}/user/roles/${role}`,
});

/** Both forms of a user at once, which every known client takes whatever it asked for. */
function presentUser({ state: { user, links } }: RestContext): object {
  const roles = effectiveRoles(user).map(role => presentRole(links, role));
  const references = isAdministrator(user) ? [{ group: { id: 1, name: "admins", roles: { references: [] } } }] : [];
  return {
    id: user.userName,
    userName: user.userName,
    self: `${links.origin}/user/${user.tenant}/users/${encodeURIComponent(user.userName)}`,
    displayName: user.userName,
    firstName: "",
    lastName: "",
    email: "",
    enabled: user.enabled,
    shouldResetPassword: false,
    twoFactorAuthenticationEnabled: false,
    devicePermissions: {},
    effectiveRoles: roles,
    roles: { references: roles.map(role => ({ role, self: role.self })) },
    groups: { references },
    applications: [],
    customProperties: {},
  };
}

export function tenantRouter(): RestRouter {
  const router = createRouter();

  router.get("/tenant/currentTenant", ctx => {
    answer(ctx, 200, presentTenant(ctx.state.links, ctx.state.user.tenant), "currentTenant");
  });

  router.get("/user/currentUser", ctx => {
    answer(ctx, 200, presentUser(ctx), "currentUser");
  });

  return router;
}

/** Needs no login. */
export function loginOptionsRouter(): RestRouter {
  const router = createRouter();

  router.get("/tenant/loginOptions", ctx => {
    const self = `${ctx.state.links.origin}/tenant/loginOptions`;
    const basic = {
      id: "1",
      type: "BASIC",
      userManagementSource: "INTERNAL",
      visibleOnLoginPage: true,
      self: `${self}/1`,
    };
    answer(ctx, 200, { self, loginOptions: [basic] }, "loginOptionCollection");
  });

  return router;
}
