/** `/tenant/tenants/{id}/trusted-certificates`: whose certificates devices of a tenant may come with. */
import { MooringError } from "../base/errors.ts";
import { formatTime } from "../platform/time.ts";
import { MANAGEMENT_TENANT, type Tenants } from "../tenants/tenants.ts";
import type { TrustedCertificate, TrustedCertificates } from "../tenants/trusted-certificates.ts";
import { SIGNATURE_NAMES } from "../x509/path-validation.ts";
import {
  answerNothing,
  answerPlain,
  createRouter,
  jsonBody,
  may,
  objectBody,
  type RestContext,
  type RestLimits,
  type RestRouter,
  selfUrl,
  tenantOf,
} from "./context.ts";
import { collectionBody, pageOf, pageParameters } from "./paging.ts";

const PATH = "/tenant/tenants/:tenantId/trusted-certificates";

export interface TrustedCertificatesRouterParts {
  readonly trustedCertificates: TrustedCertificates;
  readonly tenants: Pick<Tenants, "list">;
  readonly limits: RestLimits;
}

/** Most specific part first, as the platform writes names. */
const nameOf = (lines: string | undefined): string => (lines ?? "").split("\n").reverse().join(", ");

/** Decimal; a number that is no positive one stays as node gives it. */
const serialNumber = (hex: string): string => (/^[0-9A-F]+$/.test(hex) ? BigInt(`0x${hex}`).toString() : hex);

function present({ state: { links } }: RestContext, tenant: string, trusted: TrustedCertificate): object {
  const { fingerprint, name, status, autoRegistrationEnabled, pem, certificate } = trusted;
  const { x509, version, notBeforeMs, notAfterMs, signatureAlgorithm } = certificate;
  return {
    fingerprint,
    name,
    status,
    autoRegistrationEnabled,
    certInPemFormat: pem,
    subject: nameOf(x509.subject),
    issuer: nameOf(x509.issuer),
    serialNumber: serialNumber(x509.serialNumber),
    version,
    algorithmName: SIGNATURE_NAMES[signatureAlgorithm] ?? signatureAlgorithm,
    notBefore: formatTime(notBeforeMs),
    notAfter: formatTime(notAfterMs),
    self: `${links.origin}${PATH.replace(":tenantId", tenant)}/${fingerprint}`,
  };
}

export function trustedCertificatesRouter(parts: TrustedCertificatesRouterParts): RestRouter {
  const { trustedCertificates, tenants, limits } = parts;
  const router = createRouter();

  /**
   * The tenant of the path: the user's own, or any for users of the management tenant. Whether another one is there is not told.
   * @throws MooringError FORBIDDEN, NOT_FOUND
   */
  async function tenantOfPath(ctx: RestContext): Promise<string> {
    const tenant = ctx.params["tenantId"]!;
    if (tenant === tenantOf(ctx)) return tenant;
    if (tenantOf(ctx) !== MANAGEMENT_TENANT) throw new MooringError("FORBIDDEN", "Access is denied: another tenant");
    if (!(await tenants.list()).includes(tenant)) throw new MooringError("NOT_FOUND", `No tenant '${tenant}'!`);
    return tenant;
  }

  router.get(PATH, may("trustedCertificate:read"), async ctx => {
    const tenant = await tenantOfPath(ctx);
    const page = pageParameters(ctx.query);
    const found = pageOf(await trustedCertificates.list(tenant), page);
    const items = found.items.map(each => present(ctx, tenant, each));
    answerPlain(ctx, 200, collectionBody("certificates", selfUrl(ctx), page, { ...found, items }));
  });

  router.post(PATH, may("trustedCertificate:write"), async ctx => {
    const tenant = await tenantOfPath(ctx);
    const [created] = await trustedCertificates.create(tenant, [await objectBody(ctx, limits)]);
    const shown = present(ctx, tenant, created!) as { readonly self: string };
    ctx.set("Location", shown.self);
    answerPlain(ctx, 201, shown);
  });

  router.post(`${PATH}/bulk`, may("trustedCertificate:write"), async ctx => {
    const tenant = await tenantOfPath(ctx);
    const { certificates } = await objectBody(ctx, limits);
    const created = await trustedCertificates.create(tenant, Array.isArray(certificates) ? certificates : []);
    answerPlain(ctx, 201, { self: selfUrl(ctx), certificates: created.map(each => present(ctx, tenant, each)) });
  });

  router.get(`${PATH}/:fingerprint`, may("trustedCertificate:read"), async ctx => {
    const tenant = await tenantOfPath(ctx);
    answerPlain(ctx, 200, present(ctx, tenant, await trustedCertificates.get(tenant, ctx.params["fingerprint"]!)));
  });

  router.put(`${PATH}/:fingerprint`, may("trustedCertificate:write"), async ctx => {
    const tenant = await tenantOfPath(ctx);
    const fingerprint = ctx.params["fingerprint"]!;
    const changed = await trustedCertificates.update(tenant, fingerprint, await jsonBody(ctx, limits));
    answerPlain(ctx, 200, present(ctx, tenant, changed));
  });

  router.delete(`${PATH}/:fingerprint`, may("trustedCertificate:write"), async ctx => {
    await trustedCertificates.delete(await tenantOfPath(ctx), ctx.params["fingerprint"]!);
    answerNothing(ctx);
  });

  return router;
}
