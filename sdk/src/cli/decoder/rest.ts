/** Decoders as the host shows them: `/service/lwm2m-agent/decoders`. */
import type { DecoderManifest } from "@mooring/core";
import { type Client, withHints } from "../client.ts";

export const DECODERS = "/service/lwm2m-agent/decoders";

export const decoderPath = (key: string, ...more: readonly string[]): string =>
  [DECODERS, key, ...more].map((part, index) => (index === 0 ? part : encodeURIComponent(part))).join("/");

export interface ShownDecoder {
  readonly key: string;
  readonly name: string;
  readonly publisher?: string;
  /** In force. */
  readonly version?: string;
  readonly origin?: string;
  readonly staged?: string;
}

export interface ShownVersion {
  readonly key: string;
  readonly version: string;
  readonly status: "active" | "staged" | "idle";
  readonly origin?: string;
  readonly checksum?: string;
  readonly author?: string;
  readonly uploadedBy?: string;
  readonly signer?: string;
  readonly creationTime?: string;
  readonly manifest: DecoderManifest;
}

/** Says what to do where the host does not know the decoder, or has the version already. */
export const about = <T>(key: string, ask: () => Promise<T>): Promise<T> =>
  withHints(
    {
      404: `npx mooring decoder list shows all decoders, npx mooring decoder list <key> the versions of one`,
      409: `npx mooring decoder list ${key} shows how its versions stand`,
    },
    ask,
  );

/** All pages of a list. */
export async function listAll<T>(client: Client, path: string, name: string): Promise<readonly T[]> {
  const items: T[] = [];
  const pageSize = 1000;
  for (let currentPage = 1; ; currentPage++) {
    const page = await client.get<Readonly<Record<string, readonly T[]>>>(
      `${path}?pageSize=${pageSize}&currentPage=${currentPage}`,
    );
    const found = page[name] ?? [];
    items.push(...found);
    if (found.length < pageSize) return items;
  }
}

/** Columns side by side; the first row is their heads. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
