/** Decoder services that the operator names in the configuration, by key (agent specification 9.1). */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MooringError, messageOf } from "../../base/errors.ts";
import { compileSchema } from "../../base/schema.ts";
import type { DecoderManifest } from "../../contract/decoder.ts";
import { checkDecoderManifest } from "../../contract/manifest.ts";
import { readCumulocityManifest } from "./cumulocity-manifest.ts";
import { checkRemoteService, type RemoteService } from "./remote-service.ts";

export interface ConfiguredService {
  readonly manifest: DecoderManifest;
  readonly service: RemoteService;
  /** Absent: all. */
  readonly tenants?: readonly string[];
}

interface Entry {
  readonly name?: string;
  readonly version?: string;
  readonly tenants?: readonly string[];
  /** Path of a `cumulocity.json`, or of its folder: name and version come from there. */
  readonly manifest?: string;
}

const text = { type: "string", minLength: 1, maxLength: 4096 } as const;
const checkEntry = compileSchema<Entry>({
  type: "object",
  properties: { name: text, version: text, manifest: text, tenants: { type: "array", items: text, maxItems: 10_000 } },
});

const OPTION = "decoding.services";
/** What a service without a version is called in `decodedBy`. */
const NO_VERSION = "0.0.0";

function manifestFrom(path: string, key: string): DecoderManifest {
  const file = statSync(path).isDirectory() ? join(path, "cumulocity.json") : path;
  return readCumulocityManifest(JSON.parse(readFileSync(file, "utf8")), key);
}

function read(key: string, entry: unknown): ConfiguredService {
  const { name = key, version = NO_VERSION, tenants, manifest, ...service } = checkEntry(entry);
  return {
    manifest: manifest === undefined ? checkDecoderManifest({ key, name, version }) : manifestFrom(manifest, key),
    service: checkRemoteService(service, key),
    ...(tenants && { tenants }),
  };
}

/** In the form in which a URL has them: without the port that goes without saying. @throws MooringError CONFIG_INVALID */
export const readAllowedOrigins = (origins: readonly string[]): readonly string[] =>
  origins.map(origin => {
    if (URL.canParse(origin)) return new URL(origin).origin;
    const [option, rule] = ["decoding.allowedOrigins", "must be origins such as http://10.0.0.7:8080"];
    throw new MooringError("CONFIG_INVALID", `${option}: ${origin} ${rule}`, { option, rule });
  });

/** @throws MooringError CONFIG_INVALID with `details {option, rule}` */
export const readConfiguredServices = (services: Readonly<Record<string, unknown>>): readonly ConfiguredService[] =>
  Object.entries(services).map(([key, entry]) => {
    try {
      return read(key, entry);
    } catch (cause) {
      const rule = messageOf(cause);
      const option = `${OPTION}.${key}`;
      throw new MooringError("CONFIG_INVALID", `${option}: ${rule}`, { option, rule }, { cause });
    }
  });
