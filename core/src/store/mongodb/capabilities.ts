/** What the server at hand can take; asked once, when the store opens. */
import type { Db } from "mongodb";

export interface Capabilities {
  /** As it names itself, for a log line. */
  readonly server: string;
  /** Most updates in one call. */
  readonly updatesPerCall: number;
}

const UPDATES_PER_CALL = 500;
/** FerretDB 1 holds one of its 100 database connections for each update of a call until the call ends, and waits for one more. */
const FERRETDB_UPDATES_PER_CALL = 20;

export async function probe(database: Db): Promise<Capabilities> {
  const { version, ferretdbVersion } = await database.admin().command({ buildInfo: 1 });
  if (ferretdbVersion === undefined) return { server: `MongoDB ${version}`, updatesPerCall: UPDATES_PER_CALL };
  return { server: `FerretDB ${ferretdbVersion}`, updatesPerCall: FERRETDB_UPDATES_PER_CALL };
}
