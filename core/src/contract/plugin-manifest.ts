/** What a plugin says of itself before any of its code runs: `mooring-plugin.json`, or the member `mooring` of its package.json. */
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import { VERSION } from "./manifest.ts";

/** Members of the plugin's host that must be asked for; `log`, `clock`, `options` and `onClose` everybody has. */
export const PLUGIN_PERMISSIONS = [
  "actions",
  "handlers",
  "publishers",
  "figures",
  "routes",
  "pages",
  "timers",
] as const;
export type PluginPermission = (typeof PLUGIN_PERMISSIONS)[number];

export interface PluginManifest {
  /** `[a-z0-9-]{1,64}`, unique within a host. */
  readonly name: string;
  /** Semantic version; in a package.json that of the package counts where it is absent. */
  readonly version: string;
  /** One line for people. */
  readonly description?: string;
  /** Range of contract versions, caret form: `^1.2.0`. */
  readonly contract: string;
  /** The ES module whose default export is the plugin: a path within the plugin's folder. */
  readonly main: string;
  readonly permissions: readonly PluginPermission[];
  /** Schema of the plugin's options, in the part of JSON Schema that plugin-host/options-schema.ts names; without it there are none. */
  readonly configuration?: JsonSchema;
  /** Plugins that must be active before this one, by name, each with a caret range. */
  readonly dependencies?: Readonly<Record<string, string>>;
}

export const PLUGIN_NAME = "^[a-z0-9-]{1,64}$";
const CARET = "^\\^\\d{1,9}\\.\\d{1,9}\\.\\d{1,9}$";
const range: JsonSchema = { type: "string", pattern: CARET, patternRule: "must be a caret range such as ^1.0.0" };

export const pluginManifestSchema: JsonSchema = {
  type: "object",
  required: ["name", "version", "contract", "main", "permissions"],
  additionalProperties: false,
  properties: {
    name: { type: "string", pattern: PLUGIN_NAME, patternRule: "must be 1 to 64 of a-z, 0-9 and -" },
    version: {
      type: "string",
      pattern: VERSION,
      maxLength: 64,
      patternRule: "must be a semantic version such as 1.0.0",
    },
    description: { type: "string", maxLength: 500 },
    contract: range,
    main: {
      type: "string",
      maxLength: 256,
      pattern: "^(?!.*(?:^|/)\\.\\.?(?:/|$))[A-Za-z0-9_.@-]+(?:/[A-Za-z0-9_.@-]+)*\\.m?[jt]s$",
      patternRule: "must be a path below the plugin's folder that ends in .js, .mjs, .ts or .mts",
    },
    permissions: { type: "array", items: { enum: PLUGIN_PERMISSIONS }, maxItems: PLUGIN_PERMISSIONS.length },
    configuration: { type: "object" },
    dependencies: {
      type: "object",
      maxProperties: 64,
      propertyNames: { pattern: PLUGIN_NAME },
      additionalProperties: range,
    },
  },
};

/** `configuration` is not looked into. @throws MooringError VALIDATION with `details {field, rule}` */
export const checkPluginManifest: (value: unknown) => PluginManifest =
  compileSchema<PluginManifest>(pluginManifestSchema);
