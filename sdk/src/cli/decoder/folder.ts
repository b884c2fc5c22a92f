/** The folder that a command of `mooring decoder` is about. */
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type CliCall, CliError, EXIT } from "../command.ts";

/** As a person would type it. */
export const shownPath = (path: string): string => {
  const name = relative(process.cwd(), path);
  return name === "" ? "." : name.startsWith("../../..") ? path : name;
};

/** @returns absolute path; of the argument, else of where the command is run. @throws CliError where no decoder is */
export function folderOf({ args }: Pick<CliCall, "args">): string {
  const folder = resolve(args[0] ?? ".");
  if (existsSync(join(folder, "manifest.json"))) return folder;
  const what = `${shownPath(folder)} is no decoder's folder: there is no manifest.json in it`;
  throw new CliError(EXIT.usage, `${what}\nnpx mooring decoder create <folder> makes one`);
}

/** What follows as an argument where a command is not run in the folder itself. */
export const folderArgument = (folder: string): string => {
  const path = shownPath(folder);
  return path === "." ? "" : ` ${path}`;
};

/** Where vectors fail. */
export const watchStep = (folder: string): string =>
  `npx mooring decoder test${folderArgument(folder)} --watch runs them again at each save`;

/** The last line of every command's output. */
export const next = (...steps: readonly string[]): string => `Next: ${steps.join("\n      ")}`;
