/** The manifest of a Cumulocity microservice (`cumulocity.json`) that is a decoder (agent specification 9.1). */
import type { DecoderManifest } from "../../contract/decoder.ts";
import { checkDecoderManifest } from "../../contract/manifest.ts";
import { invalid } from "../../platform/body.ts";

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Of the several numbers that such manifests have, three make a semantic version: `1.2` is `1.2.0`, `1.0.0.4` is `1.0.0-4`. */
function semanticVersion(version: unknown): string {
  if (typeof version !== "string") return "0.0.0";
  const [, major, minor = "0", patch = "0", more = ""] = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/.exec(version) ?? [];
  if (major === undefined) return "0.0.0";
  const suffix = more.replace(/^[.+-]+/, "").replace(/[^0-9A-Za-z.-]+/g, "-");
  return `${[major, minor, patch].map(Number).join(".")}${suffix === "" ? "" : `-${suffix}`}`;
}

/** Whether a manifest is one of a Cumulocity microservice that decodes. */
export const isCumulocityDecoder = (value: unknown): boolean => isObject(value) && "isDecoder" in value;

/**
 * @param value  parsed `cumulocity.json`
 * @param appKey the application's name where the manifest has none: there the platform knows it, not the file
 * @throws MooringError VALIDATION with `details {field, rule}`
 */
export function readCumulocityManifest(value: unknown, appKey?: string): DecoderManifest {
  if (!isObject(value)) throw invalid("manifest", "must be a JSON object");
  const { isDecoder, name, contextPath, key, version, provider } = value;
  if (!isObject(isDecoder)) throw invalid("manifest.isDecoder", "must be an object such as {name}");
  const serviceKey = appKey ?? contextPath ?? name ?? key;
  if (typeof serviceKey !== "string") throw invalid("manifest.contextPath", "is missing, as is name");
  const publisher = isObject(provider) && typeof provider["name"] === "string" ? { publisher: provider["name"] } : {};
  const shownName = typeof isDecoder["name"] === "string" ? isDecoder["name"] : serviceKey;
  return checkDecoderManifest({
    key: serviceKey,
    name: shownName,
    version: semanticVersion(version),
    ...publisher,
  });
}
