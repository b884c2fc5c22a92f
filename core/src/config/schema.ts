/**
 * Every option, in the order of `--help`; `options/` has each with default, unit, range and source. File key and argument
 * `<group>.<name>`, environment `MOORING_<GROUP>_<NAME>`, unless `short` gives a name of its own; `agent` lists the LwM2M
 * agent's property names.
 */
import type { Options } from "./option.ts";
import { admission, coap, coaps, transmission } from "./options/coap.ts";
import {
  bootstrap,
  bulk,
  connector,
  deviceProtocols,
  firmware,
  history,
  operations,
  recording,
  registration,
} from "./options/devices.ts";
import { decoding, plugins, sandbox, streaming } from "./options/extensions.ts";
import { admin, data, demo, http, log, store, tenant } from "./options/host.ts";
import { dtls, secrets } from "./options/security.ts";

export const OPTIONS = {
  http,
  coap,
  coaps,
  bootstrap,
  dtls,
  admission,
  secrets,
  transmission,
  registration,
  operations,
  recording,
  deviceProtocols,
  streaming,
  plugins,
  bulk,
  connector,
  sandbox,
  decoding,
  history,
  firmware,
  data,
  store,
  tenant,
  admin,
  log,
  demo,
} as const satisfies Readonly<Record<string, Options>>;

/** Groups that a plugin of the same name is given beside `plugins.options.<name>`; all others are none of a plugin's business. */
export const PLUGIN_GROUPS = ["streaming"] as const satisfies readonly (keyof typeof OPTIONS)[];

type ValueOf<O> = O extends { readonly type: "integer" | "number" }
  ? number
  : O extends { readonly type: "boolean" }
    ? boolean
    : O extends { readonly type: "integers" }
      ? readonly number[]
      : O extends { readonly type: "texts" }
        ? readonly string[]
        : O extends { readonly type: "object" }
          ? Readonly<Record<string, unknown>>
          : O extends { readonly values: readonly (infer Word)[] }
            ? Word
            : O extends { readonly default: string }
              ? string
              : string | undefined;

/** Checked and deeply frozen: `config.http.port`. */
export type Config = {
  readonly [Group in keyof typeof OPTIONS]: {
    readonly [Name in keyof (typeof OPTIONS)[Group]]: ValueOf<(typeof OPTIONS)[Group][Name]>;
  };
};
