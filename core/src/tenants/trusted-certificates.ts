/** Certificates whose devices a tenant trusts (platform API, `/tenant/tenants/{id}/trusted-certificates`). */
import { hash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { isFailure, MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import { keyOf } from "../store/collections/keys.ts";
import { TRUSTED_CERTIFICATES, type TrustedCertificateDocument } from "../store/collections/tenants.ts";
import type { Store } from "../store/store.ts";
import { type Certificate, KEY_USAGE } from "../x509/certificate.ts";
import { readCertificates, toPem } from "../x509/pem.ts";
import { createInTurn } from "./in-turn.ts";

const MOST_CERTIFICATES = 500;
/** Of one request. */
const MOST_CREATED = 50;

export interface TrustedCertificate {
  /** SHA-1 of the certificate in hexadecimal, as the platform names it: unique within the tenant. */
  readonly fingerprint: string;
  readonly name: string;
  readonly status: "ENABLED" | "DISABLED";
  /** Kept for clients; without effect on LwM2M devices (agent specification 18). */
  readonly autoRegistrationEnabled: boolean;
  readonly pem: string;
  readonly certificate: Certificate;
}

export interface TrustedCertificates {
  /** By fingerprint. */
  list(tenant: string): Promise<readonly TrustedCertificate[]>;
  /** @throws MooringError NOT_FOUND */
  get(tenant: string, fingerprint: string): Promise<TrustedCertificate>;
  /**
   * All or nothing.
   * @param bodies `{certInPemFormat, status, name, autoRegistrationEnabled}` each, unchecked
   * @throws MooringError VALIDATION naming the field (of several, the place), DUPLICATE by fingerprint, CONFLICT past the limit
   */
  create(tenant: string, bodies: readonly unknown[]): Promise<readonly TrustedCertificate[]>;
  /** Changes name, status and flag; what else there is stays. @throws MooringError NOT_FOUND, VALIDATION */
  update(tenant: string, fingerprint: string, body: unknown): Promise<TrustedCertificate>;
  /** @throws MooringError NOT_FOUND */
  delete(tenant: string, fingerprint: string): Promise<void>;
  /** Those that are ENABLED, from memory once they were read. */
  anchors(tenant: string): Promise<readonly Certificate[]>;
  /** Told when a certificate of the tenant is trusted no more; whoever withdrew it waits. */
  onWithdrawn(listener: (tenant: string) => Promise<void>): void;
}

type Change = Partial<Pick<TrustedCertificate, "name" | "status" | "autoRegistrationEnabled">>;
type NewCertificate = Change & { readonly certInPemFormat: string; readonly status: "ENABLED" | "DISABLED" };

const MEMBERS: JsonSchema = {
  name: { type: "string", maxLength: 256 },
  status: { type: "string", enum: ["ENABLED", "DISABLED"] },
  autoRegistrationEnabled: { type: "boolean" },
};
const checkNew = compileSchema<NewCertificate>({
  type: "object",
  required: ["certInPemFormat", "status"],
  properties: { ...MEMBERS, certInPemFormat: { type: "string", minLength: 1, maxLength: 65_536 } },
});
const checkChange = compileSchema<Change>({ type: "object", properties: MEMBERS });

const invalid = (field: string, rule: string): MooringError =>
  new MooringError("VALIDATION", `${field} ${rule}`, { field, rule });

const FIELD = "certInPemFormat";

function checkCanBeTrusted({ isCa, keyUsage, notAfterMs }: Certificate, nowMs: number): void {
  if (!isCa) throw invalid(FIELD, "must be the certificate of a CA (basicConstraints CA:TRUE)");
  if (keyUsage && !keyUsage.has(KEY_USAGE.keyCertSign))
    throw invalid(FIELD, "must be allowed to issue others (keyUsage keyCertSign)");
  if (notAfterMs < nowMs) throw invalid(FIELD, `has expired at ${new Date(notAfterMs).toISOString()}`);
}

/** @throws MooringError VALIDATION naming the rule */
function readOne(text: string): Certificate {
  try {
    const [certificate, ...others] = readCertificates(text);
    if (others.length > 0) throw invalid(FIELD, "must hold one certificate");
    return certificate!;
  } catch (error) {
    if (isFailure(error, "CERTIFICATE_INVALID")) throw invalid(FIELD, String(error.details["rule"]));
    throw error;
  }
}

const fingerprintOf = ({ der }: Certificate): string => hash("sha1", der, "hex");
const idOf = (tenant: string, fingerprint: string): string => keyOf(tenant, fingerprint);

const noCertificate = (fingerprint: string): MooringError =>
  new MooringError("NOT_FOUND", `No trusted certificate '${fingerprint.slice(0, 64)}'!`, {});

const duplicate = (fingerprint: string): MooringError =>
  new MooringError("DUPLICATE", `the certificate with fingerprint ${fingerprint} is there already`, { fingerprint });

function toTrusted(document: TrustedCertificateDocument): TrustedCertificate {
  const { name, status, autoRegistrationEnabled, pem } = document;
  const certificate = readOne(pem);
  return { fingerprint: fingerprintOf(certificate), name, status, autoRegistrationEnabled, pem, certificate };
}

/** Names the place of one of several. */
function atPlace<T>(bodies: readonly unknown[], at: number, read: () => T): T {
  if (bodies.length === 1) return read();
  try {
    return read();
  } catch (error) {
    if (!isFailure(error, "VALIDATION")) throw error;
    throw invalid(`certificates[${at}].${String(error.details["field"])}`, String(error.details["rule"]));
  }
}

export interface TrustedCertificatesParts {
  readonly store: Store;
  readonly clock: Clock;
}

export function createTrustedCertificates({ store, clock }: TrustedCertificatesParts): TrustedCertificates {
  const documents = store.collection(TRUSTED_CERTIFICATES);
  const inTurn = createInTurn();
  const known = new Map<string, Promise<readonly Certificate[]>>();
  const listeners: ((tenant: string) => Promise<void>)[] = [];

  async function list(tenant: string): Promise<readonly TrustedCertificate[]> {
    return (await documents.find({ tenant }, { limit: MOST_CERTIFICATES })).map(toTrusted);
  }

  async function get(tenant: string, fingerprint: string): Promise<TrustedCertificate> {
    const document = await documents.findOne({ _id: idOf(tenant, fingerprint.toLowerCase()) });
    if (!document) throw noCertificate(fingerprint);
    return toTrusted(document);
  }

  function readNew(tenant: string, body: unknown): TrustedCertificateDocument {
    const { certInPemFormat, status, name = "", autoRegistrationEnabled = false } = checkNew(body);
    const certificate = readOne(certInPemFormat);
    checkCanBeTrusted(certificate, clock.now());
    const _id = idOf(tenant, fingerprintOf(certificate));
    return { _id, tenant, name, status, autoRegistrationEnabled, pem: toPem(certificate) };
  }

  async function checkNoneIsThere(drafts: readonly TrustedCertificateDocument[]): Promise<void> {
    const ids = drafts.map(({ _id }) => _id);
    const twice = drafts.find(({ _id }, at) => ids.indexOf(_id) !== at);
    const stored = twice ?? (await documents.findOne({ _id: { $in: ids } }));
    if (stored) throw duplicate(toTrusted(stored).fingerprint);
  }

  async function create(tenant: string, bodies: readonly unknown[]): Promise<readonly TrustedCertificate[]> {
    if (bodies.length < 1 || bodies.length > MOST_CREATED) {
      throw invalid("certificates", `must be 1 to ${MOST_CREATED} certificates`);
    }
    const drafts = bodies.map((body, at) => atPlace(bodies, at, () => readNew(tenant, body)));
    await checkNoneIsThere(drafts);
    if ((await documents.count({ tenant }, MOST_CERTIFICATES)) + drafts.length > MOST_CERTIFICATES) {
      throw new MooringError("CONFLICT", `a tenant has at most ${MOST_CERTIFICATES} certificates`);
    }
    await documents.insertMany(drafts);
    known.delete(tenant);
    return drafts.map(toTrusted);
  }

  async function withdrawn(tenant: string): Promise<void> {
    known.delete(tenant);
    await Promise.all(listeners.map(listener => listener(tenant)));
  }

  return {
    list,
    get,
    create: (tenant, bodies) => inTurn(() => create(tenant, bodies)),

    update: (tenant, fingerprint, body) =>
      inTurn(async () => {
        const before = await get(tenant, fingerprint);
        const {
          name = before.name,
          status = before.status,
          autoRegistrationEnabled = before.autoRegistrationEnabled,
        } = checkChange(body);
        const $set = { name, status, autoRegistrationEnabled };
        await documents.updateOne({ _id: idOf(tenant, before.fingerprint) }, { $set });
        known.delete(tenant);
        if (before.status === "ENABLED" && status === "DISABLED") await withdrawn(tenant);
        return { ...before, ...$set };
      }),

    delete: (tenant, fingerprint) =>
      inTurn(async () => {
        const before = await get(tenant, fingerprint);
        await documents.deleteMany({ _id: idOf(tenant, before.fingerprint) });
        await withdrawn(tenant);
      }),

    anchors(tenant) {
      const reading =
        known.get(tenant) ??
        list(tenant).then(all =>
          all.filter(({ status }) => status === "ENABLED").map(({ certificate }) => certificate),
        );
      known.set(tenant, reading);
      // What failed once may be asked again.
      reading.catch(() => known.delete(tenant));
      return reading;
    },

    onWithdrawn: listener => void listeners.push(listener),
  };
}
