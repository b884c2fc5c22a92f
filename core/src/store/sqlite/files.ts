/**
 * The two files of a store. `core.db` syncs at every commit: what it holds is rare and never said again. `series.db` syncs at checkpoints:
 * it survives the death of the process at any moment, and a power cut may cost the last seconds.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Shape } from "../shape.ts";
import { type Database, openDatabase } from "./database.ts";
import { applySchema } from "./schema.ts";

export interface Files {
  of(shape: Shape): Database;
  all(): readonly Database[];
  close(): void;
}

/** Page caches. Only the writer of the series gains from a large one: each of its rows dirties pages of its own; readers have the kernel's. */
const SERIES_WRITE_CACHE_MIB = 64;
const CORE_WRITE_CACHE_MIB = 16;
const READ_CACHE_MIB = 8;
/** 16 MB of WAL, and 64 MB where most is written: a checkpoint pauses the writer for as long as the copying takes. */
const CORE_CHECKPOINT_PAGES = 4000;
const SERIES_CHECKPOINT_PAGES = 16_000;

/** @param directory where the files are, or undefined for a store in memory */
function openBoth(directory: string | undefined, readOnly: boolean): Files {
  const file = (name: string): string => (directory === undefined ? ":memory:" : join(directory, name));
  const cacheMiB = (write: number): number => (readOnly ? READ_CACHE_MIB : write);
  const core = openDatabase(file("core.db"), {
    readOnly,
    cacheMiB: cacheMiB(CORE_WRITE_CACHE_MIB),
    synchronous: "FULL",
    checkpointPages: CORE_CHECKPOINT_PAGES,
  });
  let series: Database;
  try {
    series = openDatabase(file("series.db"), {
      readOnly,
      cacheMiB: cacheMiB(SERIES_WRITE_CACHE_MIB),
      synchronous: "NORMAL",
      checkpointPages: SERIES_CHECKPOINT_PAGES,
    });
  } catch (error) {
    core.close();
    throw error;
  }
  return {
    of: shape => (shape.spec.durability === "full" ? core : series),
    all: () => [core, series],
    close() {
      core.close();
      series.close();
    },
  };
}

/** Makes the directory and the tables where they are missing. */
export function openForWriting(directory: string | undefined, shapes: readonly Shape[]): Files {
  if (directory !== undefined) mkdirSync(directory, { recursive: true });
  const files = openBoth(directory, false);
  try {
    for (const database of files.all()) {
      applySchema(
        database,
        shapes.filter(shape => files.of(shape) === database),
      );
    }
  } catch (error) {
    files.close();
    throw error;
  }
  return files;
}

/** After {@link openForWriting} has made the files. */
export const openForReading = (directory: string): Files => openBoth(directory, true);
