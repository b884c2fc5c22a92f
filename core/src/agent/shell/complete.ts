/** What may come next in a line of the shell, by the grammar. Pure. */
import { COMMANDS } from "./grammar.ts";

export interface Completions {
  /** Whole words to put in the place of `word`, in order. */
  readonly candidates: readonly string[];
  /** The word at the end of the line that they complete. */
  readonly word: string;
}

/** @param children ids below a path of the device, in order; none where nothing is known */
export function complete(line: string, children: (path: readonly number[]) => readonly number[]): Completions {
  const [first = "", ...more] = line.trimStart().split(/\s+/);
  const word = more.at(-1) ?? first;
  const matching = (words: readonly string[]): Completions => ({
    candidates: words.filter(each => each.toLowerCase().startsWith(word.toLowerCase())),
    word,
  });
  const names = [...COMMANDS.values()].map(({ name }) => name);
  if (more.length === 0) return matching(names.map(name => `${name} `));
  const row = COMMANDS.get(first.toLowerCase());
  if (row?.kind === "help") return matching(names);
  const { completion } = row ?? {};
  if (!completion) return { candidates: [], word };
  if ("words" in completion) return more.length === 1 ? matching(completion.words) : { candidates: [], word };
  const isPath = more.length === 1 || completion.several || word.startsWith("/");
  return isPath ? completePath(word, completion.paths[1], children) : { candidates: [], word };
}

function completePath(
  word: string,
  mostLevels: number,
  children: (path: readonly number[]) => readonly number[],
): Completions {
  const parts = word.replace(/^\//, "").split("/");
  const typed = parts.pop()!;
  const path = parts.map(Number);
  if (parts.some(part => !/^\d+$/.test(part)) || path.length >= mostLevels) return { candidates: [], word };
  const prefix = path.map(id => `/${id}`).join("");
  const ids = children(path).filter(id => String(id).startsWith(typed));
  const end = (id: number): string => (path.length + 1 < mostLevels && children([...path, id]).length > 0 ? "/" : "");
  return { candidates: ids.map(id => `${prefix}/${id}${end(id)}`), word };
}
