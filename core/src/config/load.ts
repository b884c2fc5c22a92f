/** File, environment and arguments to one checked, deeply frozen {@link Config}. The later of the three wins. */
import { readFileSync } from "node:fs";
import { MooringError, messageOf } from "../base/errors.ts";
import { helpText } from "./help.ts";
import { JOINT_RULES } from "./joint-rules.ts";
import {
  BY_ARGUMENT,
  BY_ENVIRONMENT,
  BY_FILE_KEY,
  NAMED_OPTIONS,
  type NamedOption,
  supersedes,
  withoutEffect,
  withoutEffectInEnvironment,
} from "./names.ts";
import { nearestName } from "./nearest-name.ts";
import { type Checked, checkValue, checkWord, type Option, type OptionValue } from "./option.ts";
import { readProperties } from "./properties.ts";
import type { Config } from "./schema.ts";

export interface ConfigSources {
  /** Arguments after the script's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: the file system. */
  readonly readText?: (path: string) => string;
}

export type LoadedConfig =
  | { readonly kind: "help"; readonly text: string }
  | {
      readonly kind: "config";
      readonly config: Config;
      /** What was given and changes nothing here, with the reason: worth a line in the log. */
      readonly ignored: readonly { readonly option: string; readonly reason: string }[];
    };

interface Problem {
  readonly option: string;
  /** What was given, shortened; absent where it is a secret or there is none. */
  readonly value?: string;
  readonly rule: string;
}

interface Given {
  readonly values: Map<NamedOption, OptionValue>;
  readonly problems: Problem[];
  readonly ignored: { option: string; reason: string }[];
}

const LONGEST_SHOWN = 60;
const OUR_PREFIX = "MOORING_";
/** For the test programs, whose environment the hosts that they start inherit. */
const TEST_PREFIX = "MOORING_TEST_";
/** Of the `mooring` command line, which is used from the shells that hosts are started in. */
const COMMAND_LINE: ReadonlySet<string> = new Set([
  "MOORING_URL",
  "MOORING_USER",
  "MOORING_PASSWORD",
  "MOORING_HISTORY",
]);
const isOurs = (key: string): boolean =>
  key.startsWith(OUR_PREFIX) && !key.startsWith(TEST_PREFIX) && !COMMAND_LINE.has(key);

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}

const isSecret = ({ option }: NamedOption): boolean =>
  option.type === "object" || (option.type === "text" && option.secret === true);

/** Keeps one checked value of a source; `seen` tells two names of one option apart that disagree. */
function keep(
  given: Given,
  seen: Map<NamedOption, string>,
  named: NamedOption,
  as: string,
  value: unknown,
  checked: Checked,
) {
  const other = seen.get(named);
  if ("rule" in checked) {
    given.problems.push({ option: as, rule: checked.rule, ...(isSecret(named) ? {} : { value: shown(value) }) });
  } else if (other !== undefined && supersedes(other, as)) {
    given.ignored.push({ option: as, reason: `${other} counts where both are given` });
  } else if (other !== undefined && supersedes(as, other)) {
    given.ignored.push({ option: other, reason: `${as} counts where both are given` });
    seen.set(named, as);
    given.values.set(named, checked.value);
  } else if (other !== undefined && shown(given.values.get(named)) !== shown(checked.value)) {
    given.problems.push({ option: as, rule: `is the same option as ${other}, which has another value` });
  } else {
    seen.set(named, as);
    given.values.set(named, checked.value);
  }
}

const unknown = (option: string, nearest: string | undefined): Problem => ({
  option,
  rule: nearest ? `is not known; did you mean ${nearest}?` : "is not known",
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const GROUPS: ReadonlySet<string> = new Set(NAMED_OPTIONS.map(named => named.group));

/** `{"http": {"port": 1}}` and `{"http.port": 1}` are the same. */
const flatten = (file: Readonly<Record<string, unknown>>): [string, unknown][] =>
  Object.entries(file).flatMap(([key, value]): [string, unknown][] =>
    GROUPS.has(key) && isObject(value)
      ? Object.entries(value).map(([name, inner]) => [`${key}.${name}`, inner])
      : [[key, value]],
  );

/** A file by its name: properties, or else JSON. */
interface ReadFile {
  readonly entries: readonly (readonly [name: string, value: unknown])[];
  check(option: Option, value: unknown): Checked;
}

function parseFile(path: string, readText: (path: string) => string): ReadFile {
  const refuse = (rule: string, cause?: unknown): never => {
    throw new MooringError(
      "CONFIG_INVALID",
      `--config ${path} ${rule}`,
      { option: "--config", value: path, rule },
      { cause },
    );
  };
  let file: unknown;
  try {
    const text = readText(path);
    if (path.endsWith(".properties"))
      return { entries: readProperties(text), check: (option, value) => checkWord(option, String(value)) };
    file = JSON.parse(text);
  } catch (error) {
    return refuse(
      error instanceof SyntaxError ? `is not JSON: ${error.message}` : `cannot be read: ${messageOf(error)}`,
      error,
    );
  }
  return isObject(file) ? { entries: flatten(file), check: checkValue } : refuse("must hold a JSON object");
}

function takeFile(given: Given, { entries, check }: ReadFile): void {
  const seen = new Map<NamedOption, string>();
  for (const [key, value] of entries) {
    const named = BY_FILE_KEY.get(key);
    const reason = named ? undefined : withoutEffect(key);
    if (named) keep(given, seen, named, key, value, check(named.option, value));
    else if (reason) given.ignored.push({ option: key, reason });
    else given.problems.push(unknown(key, nearestName(key, BY_FILE_KEY.keys())));
  }
}

function takeEnvironment(given: Given, env: ConfigSources["env"]): void {
  const seen = new Map<NamedOption, string>();
  for (const [key, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const named = BY_ENVIRONMENT.get(key);
    if (named) keep(given, seen, named, key, value, checkWord(named.option, value));
    else if (isOurs(key)) {
      const ours = NAMED_OPTIONS.map(({ environment }) => environment);
      given.problems.push(unknown(key, nearestName(key, ours)));
    } else {
      const reason = withoutEffectInEnvironment(key);
      if (reason) given.ignored.push({ option: key, reason });
    }
  }
}

/** `--name value`, `--name=value`; a Boolean alone is true. */
function takeArguments(given: Given, argv: readonly string[]): void {
  const seen = new Map<NamedOption, string>();
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    const [, key, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const named = key === undefined ? undefined : BY_ARGUMENT.get(key);
    if (!named) {
      const nearest = key === undefined ? undefined : nearestName(key, [...BY_ARGUMENT.keys(), "config", "help"]);
      given.problems.push(unknown(word.slice(0, LONGEST_SHOWN), nearest && `--${nearest}`));
      continue;
    }
    const next = argv[at + 1];
    const bare = named.option.type === "boolean" && next !== "true" && next !== "false";
    const value = inline ?? (bare ? "true" : next);
    if (inline === undefined && !bare) at++;
    if (value === undefined) given.problems.push({ option: word, rule: "needs a value" });
    else keep(given, seen, named, `--${key}`, value, checkWord(named.option, value));
  }
}

/** Takes `--config <path>` out of the arguments. */
function splitConfigArgument(argv: readonly string[]): { path: string | undefined; rest: readonly string[] } {
  const at = argv.findIndex(word => word === "--config" || word.startsWith("--config="));
  if (at < 0) return { path: undefined, rest: argv };
  const inline = argv[at]!.startsWith("--config=");
  const path = inline ? argv[at]!.slice("--config=".length) : argv[at + 1];
  if (!path) {
    const rule = "needs the path of a JSON or properties file";
    throw new MooringError("CONFIG_INVALID", `--config ${rule}`, { option: "--config", rule });
  }
  return { path, rest: [...argv.slice(0, at), ...argv.slice(at + (inline ? 1 : 2))] };
}

/** A copy that nobody can change. */
function frozen<V>(value: V): V {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as V;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, frozen(inner)]))) as V;
}

function build(values: ReadonlyMap<NamedOption, OptionValue>): Config {
  const groups: Record<string, Record<string, OptionValue | undefined>> = {};
  for (const named of NAMED_OPTIONS) {
    const value = values.get(named) ?? named.option.default;
    (groups[named.group] ??= {})[named.name] = frozen(value);
  }
  for (const group of Object.values(groups)) Object.freeze(group);
  return Object.freeze(groups) as unknown as Config;
}

function refuseProblems(problems: readonly Problem[]): void {
  const [first] = problems;
  if (!first) return;
  const line = ({ option, value, rule }: Problem): string =>
    value === undefined ? `${option} ${rule}` : `${option} = ${value} ${rule}`;
  throw new MooringError("CONFIG_INVALID", problems.map(line).join("\n"), { ...first, problems });
}

/**
 * @throws MooringError CONFIG_INVALID whose message has one line per mistake and whose details name option, value and rule of
 *         the first, and all of them as `problems`; the value of a secret is never in it
 */
export function loadConfig({ argv, env, readText = path => readFileSync(path, "utf8") }: ConfigSources): LoadedConfig {
  if (argv.includes("--help")) return { kind: "help", text: helpText() };
  const { path, rest } = splitConfigArgument(argv);
  const given: Given = { values: new Map(), problems: [], ignored: [] };
  if (path !== undefined) takeFile(given, parseFile(path, readText));
  takeEnvironment(given, env);
  takeArguments(given, rest);
  refuseProblems(given.problems);
  const config = build(given.values);
  refuseProblems(JOINT_RULES.filter(rule => !rule.holds(config)).map(({ option, rule }) => ({ option, rule })));
  return { kind: "config", config, ignored: given.ignored };
}
