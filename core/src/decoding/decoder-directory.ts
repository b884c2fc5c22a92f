/** Which decoders there are for a tenant, and which version of each is in force: what queue, mapping and REST see of them. */
import type { DecoderManifest } from "../contract/decoder.ts";
import type { DecodeOptions, DecodeOutcome, DecoderLanguage, RuntimeInput } from "../sandbox/decoder-runtime.ts";

/** One version of a decoder. Never changes: another version is another value. */
export interface InstalledDecoder {
  /** Names the version in the runtime. */
  readonly id: string;
  readonly manifest: DecoderManifest;
  /** Where it runs: in a decoder host of ours, or as a service behind HTTP. */
  readonly kind: "sandbox" | "remote";
  /** Payloads that it takes at the same time, apart from what all others share. */
  readonly parallel?: number;
}

export interface DecoderDirectory {
  /** The version that is in force for a tenant; undefined where it has no such decoder. */
  find(tenant: string, key: string): InstalledDecoder | undefined;
  /** Versions in force of all decoders that a tenant may name as `decoder:<key>`. */
  list(tenant: string): readonly InstalledDecoder[];
  /** Any version that a tenant has, of its own, of the management tenant's or a shipped one, whether in force or not. */
  version(tenant: string, key: string, version: string): Promise<InstalledDecoder | undefined>;
  /** Keys that at least one tenant may name. */
  keys(): readonly string[];
  /** Never rejects. */
  decode(decoder: InstalledDecoder, input: RuntimeInput, options?: DecodeOptions): Promise<DecodeOutcome>;
}

/** Owner of the decoders that come with the host. No tenant has this name. */
export const SHIPPED = "";

/** Whose version it is; no tenant's name has a slash. */
export const ownerOf = ({ id }: { readonly id: string }): string => id.slice(0, id.indexOf("/"));

/** @param owner the tenant whose decoder it is, or `SHIPPED` */
export const decoderId = (owner: string, { key, version }: Pick<DecoderManifest, "key" | "version">): string =>
  `${owner}/${key}@${version}`;

/** What a service may have under way and waiting for a connection. */
const REMOTE_PARALLEL = 64;

export function installedDecoder(
  owner: string,
  manifest: DecoderManifest,
  language: DecoderLanguage,
): InstalledDecoder {
  const id = decoderId(owner, manifest);
  return language === "service"
    ? { id, manifest, kind: "remote", parallel: REMOTE_PARALLEL }
    : { id, manifest, kind: "sandbox" };
}
