/** Paths in a command line, each command with the depths that it takes. Pure. */
import { formatPath, type Lwm2mPath, parsePath } from "../../lwm2m/path.ts";
import { refuse, type Word, type Words } from "./words.ts";

/** Least and most ids of a path; 0 is the root. */
export type Levels = readonly [least: number, most: number];

const NAMES = ["object", "instance", "resource", "resource instance"];

/** `/object/instance[/resource]` */
export function pathUsage([least, most]: Levels): string {
  if (least === 0) return `/[${pathUsage([1, most]).slice(1)}]`;
  const fixed = NAMES.slice(0, least).map(name => `/${name}`);
  const optional = NAMES.slice(least, most).map(name => `[/${name}`);
  return [...fixed, ...optional, "]".repeat(optional.length)].join("");
}

const depth = (levels: number): string => (levels === 1 ? "1 level" : `${levels} levels`);

/** @throws MooringError VALIDATION */
export function readPath(word: Word, levels: Levels): Lwm2mPath {
  const rule = pathUsage(levels);
  if (word.text === "") throw refuse(word, "a path is missing", rule);
  let path: Lwm2mPath;
  try {
    path = parsePath(word.text);
  } catch {
    throw refuse(word, "is no path such as /3/0/0 with ids up to 65534", rule);
  }
  if (path.length < levels[0] || path.length > levels[1]) throw refuse(word, `has ${depth(path.length)}`, rule);
  return path;
}

/** One or more, none of them twice, to the end of the line. @throws MooringError VALIDATION */
export function readPaths(words: Words, levels: Levels): readonly Lwm2mPath[] {
  const paths = [readPath(words.next(), levels)];
  const known = new Set(paths.map(formatPath));
  for (let word = words.next(); word.text !== ""; word = words.next()) {
    const path = readPath(word, levels);
    if (known.has(formatPath(path))) throw refuse(word, "is there already", "each path once");
    known.add(formatPath(path));
    paths.push(path);
  }
  return paths;
}
