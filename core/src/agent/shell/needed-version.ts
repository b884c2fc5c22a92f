/** What a command needs of a device's version of LwM2M (agent specification 10.2, 10.3). Pure. */
import { formatPath, type Lwm2mPath } from "../../lwm2m/path.ts";
import { isAtLeast } from "../../lwm2m/version.ts";
import type { Command } from "./command.ts";
import { rowOfKind } from "./grammar.ts";

export interface NeededVersion {
  readonly version: "1.1";
  /** `cread needs` */
  readonly what: string;
}

function pathsOf(command: Command): readonly Lwm2mPath[] {
  if ("path" in command) return [command.path];
  if ("paths" in command) return command.paths;
  return command.kind === "cwrite" ? command.values.map(({ path }) => path) : [];
}

/** @returns what a device of this version lacks for the command; undefined: nothing */
export function neededVersion(command: Command, version: string): NeededVersion | undefined {
  if (isAtLeast(version, "1.1")) return undefined;
  const row = rowOfKind(command.kind);
  if (row.version === "1.1") return { version: "1.1", what: `${row.name} needs` };
  const instance = pathsOf(command).find(path => path.length === 4);
  if (instance) return { version: "1.1", what: `the resource instance ${formatPath(instance)} needs` };
  const { epmin, epmax } = command.kind === "writeattr" ? command.attributes : {};
  if (epmin !== undefined || epmax !== undefined) return { version: "1.1", what: "epmin and epmax need" };
  return undefined;
}
