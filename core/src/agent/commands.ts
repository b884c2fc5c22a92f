/** The grammar of `c8y_Command.text` (agent specification 10.3), as far as this version runs it. Pure. */
import { MooringError } from "../base/errors.ts";
import { type Lwm2mPath, parsePath } from "../lwm2m/path.ts";

export type Command =
  | { readonly kind: "read" | "observe" | "discover"; readonly path: Lwm2mPath }
  | { readonly kind: "write"; readonly path: Lwm2mPath; readonly value: string }
  | { readonly kind: "execute"; readonly path: Lwm2mPath; readonly args: string };

interface Grammar {
  readonly usage: string;
  /** Least and most ids of the path. */
  readonly levels: readonly [least: number, most: number];
  /** What follows the path: nothing, something, or perhaps something. */
  readonly rest: "none" | "some" | "any";
}

const GRAMMARS: Readonly<Record<Command["kind"], Grammar>> = {
  read: { usage: "read /object[/instance[/resource[/resource instance]]]", levels: [1, 4], rest: "none" },
  observe: { usage: "observe /object[/instance[/resource[/resource instance]]]", levels: [1, 4], rest: "none" },
  discover: { usage: "discover /object[/instance[/resource]]", levels: [1, 3], rest: "none" },
  write: { usage: "write /object/instance/resource[/resource instance] value", levels: [3, 4], rest: "some" },
  execute: { usage: "execute /object/instance/resource [arguments]", levels: [3, 3], rest: "any" },
};

/** Commands of the specification that this version does not run yet, in lower case. */
const LATER = new Set([
  "cread",
  "cobserve",
  "cancelobservation",
  "cancelobserve",
  "cancelcompositeobserve",
  "executelegacy",
  "writep",
  "cwrite",
  "writeb",
  "delete",
  "create",
  "writeattr",
  "fwupdate",
  "serialization",
  "coap",
]);

/** `arglist = arg *("," arg)`, `arg = DIGIT ["=" "'" *CHAR "'"]` (LwM2M Core 1.1.1 section 6.3.5). */
const ARGUMENTS = /^\d(?:='[^']*')?(?:,\d(?:='[^']*')?)*$/;

const refuse = (message: string, word: string, at: number): MooringError =>
  new MooringError("VALIDATION", message, { word, position: at + 1 });

interface Word {
  readonly text: string;
  /** Place of its first character. */
  readonly at: number;
}

/** The word at or after `from`; an empty one at the end. */
function wordFrom(line: string, from: number): Word {
  const match = /\S+/g;
  match.lastIndex = from;
  const found = match.exec(line);
  return found ? { text: found[0], at: found.index } : { text: "", at: line.length };
}

function readKind({ text, at }: Word): Command["kind"] {
  const name = text.toLowerCase();
  if (Object.hasOwn(GRAMMARS, name)) return name as Command["kind"];
  if (LATER.has(name)) {
    throw new MooringError("UNSUPPORTED", `the command "${text}" comes with a later version`, { word: text });
  }
  const known = Object.keys(GRAMMARS).join(", ");
  throw refuse(`"${text}" is no command; there are ${known}`, text, at);
}

function readPath({ text, at }: Word, { usage, levels }: Grammar): Lwm2mPath {
  if (text === "") throw refuse(`a path is missing: ${usage}`, text, at);
  let path: Lwm2mPath;
  try {
    path = parsePath(text);
  } catch {
    throw refuse(`"${text}" (character ${at + 1}) is no path such as /3/0/0: ${usage}`, text, at);
  }
  if (path.length < levels[0] || path.length > levels[1]) {
    throw refuse(`"${text}" (character ${at + 1}) has ${path.length} levels: ${usage}`, text, at);
  }
  return path;
}

function checkRest(kind: Command["kind"], rest: string, at: number): void {
  const { usage, rest: wanted } = GRAMMARS[kind];
  if (wanted === "none" && rest !== "") throw refuse(`"${rest}" (character ${at + 1}) is too much: ${usage}`, rest, at);
  if (wanted === "some" && rest === "") throw refuse(`a value is missing: ${usage}`, rest, at);
  if (kind === "execute" && rest !== "" && !ARGUMENTS.test(rest)) {
    throw refuse(`"${rest}" (character ${at + 1}) is no argument list such as 0='a',1`, rest, at);
  }
}

/**
 * @param text one line; command words in any case
 * @throws MooringError VALIDATION, which names the word and the place of its first character, UNSUPPORTED for a command that
 *         comes later
 */
export function parseCommand(text: string): Command {
  const line = text.trim();
  if (/[\r\n]/.test(line)) {
    throw new MooringError("UNSUPPORTED", "several lines in one operation come with a later version: send one each");
  }
  const first = wordFrom(line, 0);
  if (first.text === "") throw refuse("the command is empty", "", 0);
  const kind = readKind(first);
  const second = wordFrom(line, first.at + first.text.length);
  const path = readPath(second, GRAMMARS[kind]);
  const { at } = wordFrom(line, second.at + second.text.length);
  const rest = line.slice(at);
  checkRest(kind, rest, at);
  if (kind === "write") return { kind, path, value: rest };
  return kind === "execute" ? { kind, path, args: rest } : { kind, path };
}
