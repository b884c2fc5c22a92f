/** Accounts as they stand in a device's record: plain JSON, with keys sealed for their place. */
import { decodeUtf8, encodeUtf8, equalBytes } from "../base/bytes.ts";
import type { SecretBox } from "../base/secret-box.ts";
import { keyOf } from "../store/collections/keys.ts";
import type {
  CertificateUsage,
  ConnectionMode,
  ConnectionSecurity,
  DeviceAccounts,
  ServerSettings,
} from "./device-accounts.ts";

/** {@link ConnectionSecurity} with `pskKey` and `clientPrivateKey` sealed. */
export interface SealedSecurity {
  readonly mode: ConnectionMode;
  readonly pskIdentity?: string;
  readonly pskKey?: string;
  readonly clientCertificate?: string;
  readonly clientPrivateKey?: string;
  readonly certificateUsage?: CertificateUsage;
  readonly serverCertificate?: string;
}

type PlainSettings = Omit<ServerSettings, "security">;
export type SealedServer = Partial<PlainSettings> & { readonly id: string; readonly security: SealedSecurity };

export interface SealedAccounts {
  readonly bootstrap: SealedSecurity;
  readonly bootstrapShortServerId?: number;
  readonly securityInstanceOffset?: number;
  readonly generateBootstrapServer?: boolean;
  readonly servers: readonly SealedServer[];
}

/** Id of the account that a device is registered with. */
export const FIRST_SERVER = "0";

type SecretField = "pskKey" | "clientPrivateKey";

/** Where a secret stands: it opens nowhere else. @param server id of the account; undefined: bootstrap */
const contextOf = (endpoint: string, server: string | undefined, field: SecretField): string =>
  server === undefined
    ? keyOf("devices", endpoint, "bootstrap", field)
    : keyOf("devices", endpoint, "servers", server, field);

/** Without the members that are undefined. */
export const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;

type OpenServer = Partial<PlainSettings> & { readonly id: string; readonly security: ConnectionSecurity };

/** {@link DeviceAccounts} as far as they are known: those of a new device stand as fragments alone. */
export type OpenAccounts = Pick<DeviceAccounts, "endpoint" | "bootstrap"> &
  Partial<Pick<DeviceAccounts, "bootstrapShortServerId" | "securityInstanceOffset" | "generateBootstrapServer">> & {
    readonly servers: readonly OpenServer[];
  };

export interface AccountSealer {
  seal(accounts: OpenAccounts, before?: SealedAccounts): SealedAccounts;
  /** @throws MooringError SECRET_UNREADABLE */
  openSecurity(endpoint: string, server: string | undefined, sealed: SealedSecurity): ConnectionSecurity;
  /** The key alone, as handshakes need it. @throws MooringError SECRET_UNREADABLE */
  openPskKey(endpoint: string, server: string | undefined, sealed: SealedSecurity): Uint8Array | undefined;
}

export function createAccountSealer(box: SecretBox): AccountSealer {
  /** What did not change stays as it is stored. */
  function sealText(secret: Uint8Array, context: string, before: string | undefined): string {
    if (before !== undefined) {
      try {
        if (equalBytes(box.open(before, context), secret)) return before;
      } catch {
        // Sealed under another key: sealed anew.
      }
    }
    return box.seal(secret, context);
  }

  function sealSecurity(
    endpoint: string,
    server: string | undefined,
    { pskKey, clientPrivateKey, ...plain }: ConnectionSecurity,
    before: SealedSecurity | undefined,
  ): SealedSecurity {
    const sealed = (field: SecretField, secret: Uint8Array | undefined) =>
      secret && { [field]: sealText(secret, contextOf(endpoint, server, field), before?.[field]) };
    return {
      ...plain,
      ...sealed("pskKey", pskKey),
      ...sealed("clientPrivateKey", clientPrivateKey === undefined ? undefined : encodeUtf8(clientPrivateKey)),
    };
  }

  const openField = (
    endpoint: string,
    server: string | undefined,
    sealed: SealedSecurity,
    field: SecretField,
  ): Uint8Array | undefined => {
    const text = sealed[field];
    return text === undefined ? undefined : box.open(text, contextOf(endpoint, server, field));
  };

  return {
    seal({ endpoint, bootstrap, servers, ...plain }, before) {
      const { bootstrapShortServerId, securityInstanceOffset, generateBootstrapServer } = plain;
      return compact({
        bootstrap: sealSecurity(endpoint, undefined, bootstrap, before?.bootstrap),
        bootstrapShortServerId,
        securityInstanceOffset,
        generateBootstrapServer,
        servers: servers.map(server => {
          const known = before?.servers.find(({ id }) => id === server.id);
          const security = sealSecurity(endpoint, server.id, server.security, known?.security);
          return compact({ ...server, security });
        }),
      }) as SealedAccounts;
    },

    openSecurity(endpoint, server, sealed) {
      const { pskKey: _sealedKey, clientPrivateKey: _sealedPrivateKey, ...plain } = sealed;
      const pskKey = openField(endpoint, server, sealed, "pskKey");
      const privateKey = openField(endpoint, server, sealed, "clientPrivateKey");
      return {
        ...plain,
        ...(pskKey && { pskKey }),
        ...(privateKey && { clientPrivateKey: decodeUtf8(privateKey)! }),
      };
    },

    openPskKey: (endpoint, server, sealed) => openField(endpoint, server, sealed, "pskKey"),
  };
}
