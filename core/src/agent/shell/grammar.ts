/**
 * The grammar of the shell (agent specification 10.3): one row for each command. The parser walks it, help is printed from it, and
 * completion asks it what may come next. Operations, commands after registration and the command line all use it.
 *
 * Words are apart by blanks; command words are the same in any case. Paths are `/object[/instance[/resource[/resource instance]]]`.
 */
import { nearestName } from "../../config/nearest-name.ts";
import type { Command, CommandKind } from "./command.ts";
import { type Levels, pathUsage, readPath, readPaths } from "./paths.ts";
import { RAW_EXAMPLE, readRawRequest } from "./raw-request.ts";
import {
  ATTRIBUTES_USAGE,
  CREATE_EXAMPLE,
  DEFAULT_FORMAT,
  FIRMWARE_USAGE,
  FORMAT_NAMES,
  readArguments,
  readAttributes,
  readBinary,
  readFirmware,
  readFormat,
  readInstance,
} from "./readers.ts";
import { refuse, type Word, type Words } from "./words.ts";

/** What may be offered while an argument is typed. */
export type Completion = { readonly paths: Levels; readonly several?: true } | { readonly words: readonly string[] };

export interface CommandRow {
  readonly kind: CommandKind;
  /** As help shows it. */
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  /** One sentence without its stop. */
  readonly summary: string;
  /** Further lines of its help. */
  readonly notes?: readonly string[];
  readonly examples: readonly string[];
  /** Least LwM2M version of the device. */
  readonly version: "1.0" | "1.1";
  readonly completion?: Completion;
  /** Reads what follows the name; what it leaves is too much. @throws MooringError VALIDATION */
  read(words: Words): Command;
}

const ANY: Levels = [1, 4];
const WITH_ROOT: Levels = [0, 4];
const VALUE: Levels = [3, 4];

type PathKind = "read" | "observe" | "cancelobserve" | "discover" | "delete";
type PathsKind = "cread" | "cobserve" | "cancelobservation" | "cancelcompositeobserve";
type RowText = Pick<CommandRow, "name" | "summary" | "examples" | "version" | "notes">;

function onPath(kind: PathKind, levels: Levels, text: RowText): CommandRow {
  return {
    kind,
    ...text,
    usage: pathUsage(levels),
    completion: { paths: levels },
    read: words => ({ kind, path: readPath(words.next(), levels) }),
  };
}

function onPaths(kind: PathsKind, levels: Levels, text: RowText): CommandRow {
  return {
    kind,
    ...text,
    usage: `${pathUsage(levels)} [path...]`,
    completion: { paths: levels, several: true },
    read: words => ({ kind, paths: readPaths(words, levels) }),
  };
}

function present(word: Word, rule: string): Word {
  if (word.text === "" && word.length === 0) throw refuse(word, "a value is missing", rule);
  return word;
}

const VALUE_NOTES = [
  "The value is the rest of the line, in the form of the resource's type: text; true, false, 1 or 0; whole or decimal numbers;",
  "ISO 8601 or seconds since 1970 for times; 3:0 for object links; hexadecimal digits for opaque ones.",
  'Several resource instances: {"0":value,"1":value}. A whole instance: {"<resource>":value}. Text that is empty or begins with a blank: "".',
];
const WRITE_LEVELS: Levels = [2, 4];

function write(kind: "write" | "writep", text: RowText): CommandRow {
  return {
    kind,
    ...text,
    usage: `${pathUsage(WRITE_LEVELS)} <value>`,
    notes: VALUE_NOTES,
    completion: { paths: WRITE_LEVELS },
    read(words) {
      const path = readPath(words.next(), WRITE_LEVELS);
      return { kind, path, value: present(words.restQuoted(), "write /3/0/15 Europe/Berlin") };
    },
  };
}

function execute(
  kind: "execute" | "executelegacy",
  usage: string,
  args: (word: Word) => string,
  text: RowText,
): CommandRow {
  const levels: Levels = [3, 3];
  return {
    kind,
    ...text,
    usage: `${pathUsage(levels)} ${usage}`,
    completion: { paths: levels },
    read: words => ({ kind, path: readPath(words.next(), levels), args: args(words.rest()) }),
  };
}

const CWRITE_RULE = "a path and a value, again and again; a value with blanks stands in double quotes";

const ROWS: readonly CommandRow[] = [
  onPath("read", ANY, {
    name: "read",
    summary: "Reads an object, an instance, a resource, or (LwM2M 1.1) a resource instance",
    examples: ["read /3/0", "read /3/0/0"],
    version: "1.0",
  }),
  onPaths("cread", WITH_ROOT, {
    name: "cread",
    summary: "Reads several paths in one request",
    examples: ["cread /3/0/0 /1/0"],
    version: "1.1",
  }),
  write("write", {
    name: "write",
    summary: "Replaces a resource, or an instance with all its resources (PUT)",
    examples: [
      "write /3/0/15 Europe/Berlin",
      'write /16/0/0 {"0":"a","1":"b"}',
      'write /1/0 {"1":60,"6":true,"7":"U"}',
    ],
    version: "1.0",
  }),
  write("writep", {
    name: "writep",
    summary: "Updates the given resources or resource instances and leaves the others (POST)",
    examples: ['writep /1/0 {"1":60,"2":5}'],
    version: "1.0",
  }),
  {
    kind: "cwrite",
    name: "cwrite",
    usage: `${pathUsage(VALUE)} <value> [path value...]`,
    summary: "Writes several resources in one request, in the given order (iPATCH)",
    notes: ["A value with blanks stands in double quotes. Resource instances are named by paths of their own."],
    examples: ['cwrite /1/0/1 60 /3/0/14 "+01:00" /16/0/0/1 b'],
    version: "1.1",
    completion: { paths: VALUE },
    read(words) {
      const values = [];
      for (let word = words.next(); values.length === 0 || word.text !== ""; word = words.next()) {
        const path = readPath(word, VALUE);
        values.push({ path, value: present(words.nextQuoted(), CWRITE_RULE) });
      }
      return { kind: "cwrite", values };
    },
  },
  {
    kind: "writeb",
    name: "writeb",
    usage: `${pathUsage(VALUE)} <hexadecimal digits> | binary:<file id>`,
    summary: "Writes bytes, or a stored file",
    notes: ["Their format is the device's binaryDeliveryEncoding, OPAQUE where nothing is set."],
    examples: ["writeb /19/0/0 00ff17", "writeb /5/0/0 binary:1000000042"],
    version: "1.0",
    completion: { paths: VALUE },
    read(words) {
      const path = readPath(words.next(), VALUE);
      return { kind: "writeb", path, ...readBinary(present(words.next(), "writeb /19/0/0 00ff17")) };
    },
  },
  execute("execute", "[0='text',1...]", readArguments, {
    name: "execute",
    summary: "Executes a resource, with arguments as LwM2M defines them",
    examples: ["execute /3/0/4", "execute /5/0/2 0='http://a/b',1"],
    version: "1.0",
  }),
  execute("executelegacy", "[text]", ({ text }) => text, {
    name: "executelegacy",
    summary: "Executes a resource with any text as its arguments",
    examples: ["executelegacy /3/0/4 now please"],
    version: "1.0",
  }),
  {
    kind: "create",
    name: "create",
    usage: `/object [${CREATE_EXAMPLE.replace(" or ", " | ")}]`,
    summary: "Makes an instance; without an id the device chooses one",
    examples: ["create /3311", 'create /3311 {"5850":true}'],
    version: "1.0",
    completion: { paths: [1, 1] },
    read(words) {
      const [objectId] = readPath(words.next(), [1, 1]);
      const json = words.rest();
      return { kind: "create", objectId: objectId!, ...readInstance(json), json };
    },
  },
  onPath("delete", [2, 4], {
    name: "delete",
    summary: "Deletes an instance, or what the device lets be deleted of it",
    examples: ["delete /3311/1"],
    version: "1.0",
  }),
  onPath("discover", [1, 3], {
    name: "discover",
    summary: "Lists what there is below a path, with its attributes",
    examples: ["discover /3/0"],
    version: "1.0",
  }),
  onPath("observe", ANY, {
    name: "observe",
    summary: "Has the device report a path from now on",
    examples: ["observe /3303/0/5700"],
    version: "1.0",
  }),
  onPaths("cobserve", WITH_ROOT, {
    name: "cobserve",
    summary: "Has the device report several paths together",
    examples: ["cobserve /3303/0/5700 /3304/0/5700"],
    version: "1.1",
  }),
  onPaths("cancelobservation", WITH_ROOT, {
    name: "cancelobservation",
    summary: "Ends an observation: the next notification is answered by Reset",
    notes: ["Several paths name the composite observation of just these paths, in any order."],
    examples: ["cancelobservation /3303/0/5700"],
    version: "1.0",
  }),
  onPath("cancelobserve", ANY, {
    name: "cancelobserve",
    summary: "Ends an observation by a request to the device (GET with Observe 1)",
    examples: ["cancelobserve /3303/0/5700"],
    version: "1.1",
  }),
  onPaths("cancelcompositeobserve", WITH_ROOT, {
    name: "cancelCompositeObserve",
    summary: "Ends the composite observation of these paths by a request to the device (FETCH with Observe 1)",
    examples: ["cancelCompositeObserve /3303/0/5700 /3304/0/5700"],
    version: "1.1",
  }),
  {
    kind: "writeattr",
    name: "writeattr",
    usage: `${pathUsage(ANY)} ${ATTRIBUTES_USAGE}`,
    summary: "Sets the attributes that rule notifications; pmin= unsets one, cancel ends the observation",
    examples: [
      "writeattr /3303/0/5700 pmin=10&pmax=60",
      "writeattr /3303/0/5700 gt=&lt=18.5",
      "writeattr /3/0/9 cancel",
    ],
    version: "1.0",
    completion: { paths: ANY },
    read(words) {
      const path = readPath(words.next(), ANY);
      return { kind: "writeattr", path, ...readAttributes(words.next()) };
    },
  },
  {
    kind: "serialization",
    name: "serialization",
    usage: [...FORMAT_NAMES, DEFAULT_FORMAT].join(" | "),
    summary: "Chooses the format of requests to this device; DEFAULT leaves it to the host",
    examples: ["serialization SENML_CBOR", "serialization DEFAULT"],
    version: "1.0",
    completion: { words: [...FORMAT_NAMES, DEFAULT_FORMAT] },
    read: words => ({ kind: "serialization", format: readFormat(words.next()) }),
  },
  {
    kind: "coap",
    name: "coap",
    usage: '{"method":...,"uri":...,"contentFormat":...,"accept":...,"payloadHex":...}',
    summary: "Sends one CoAP request as it is; its answer becomes the result and nothing else",
    notes: [
      "method: get, post, put, delete, fetch, ipatch, patch. uri: path and query, or null.",
      "contentFormat, accept: a number, a media type, or null. payloadHex: hexadecimal digits, or null.",
      "An answer that holds LwM2M values is also shown decoded, whatever format the device chose.",
    ],
    examples: [`coap ${RAW_EXAMPLE}`],
    version: "1.0",
    read: words => ({ kind: "coap", request: readRawRequest(words.rest()) }),
  },
  {
    kind: "fwupdate",
    name: "fwupdate",
    usage: FIRMWARE_USAGE,
    summary: "Starts a firmware update",
    examples: ["fwupdate meter;2.0.1;https://firmware.example.com/meter-2.0.1.bin"],
    version: "1.0",
    read: words => ({ kind: "fwupdate", ...readFirmware(words.rest()) }),
  },
  {
    kind: "help",
    name: "help",
    usage: "[command]",
    summary: "Lists the commands, or explains one",
    examples: ["help", "help write"],
    version: "1.0",
    read(words) {
      const about = words.next();
      return { kind: "help", about: about.text === "" ? undefined : rowOf(about).kind };
    },
  },
];

/** By name in lower case. */
export const COMMANDS: ReadonlyMap<string, CommandRow> = new Map(ROWS.map(row => [row.name.toLowerCase(), row]));

const BY_KIND = new Map(ROWS.map(row => [row.kind, row]));
export const rowOfKind = (kind: CommandKind): CommandRow => BY_KIND.get(kind)!;

/** @throws MooringError VALIDATION for a word that is no command */
export function rowOf(word: Word): CommandRow {
  const row = COMMANDS.get(word.text.toLowerCase());
  if (row) return row;
  if (word.text === "") throw refuse(word, "a command is missing", "help lists them");
  const nearest = nearestName(
    word.text,
    ROWS.map(({ name }) => name),
  );
  throw refuse(word, "is no command", `perhaps "${nearest}"; help lists them all`);
}
