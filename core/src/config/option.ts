/** What an option is, and how a value from outside becomes one: strictly, with the rule named when it does not. */

interface Common {
  /** For people: what it does and, in brackets, where it comes from. Starts with a capital, no unit. */
  readonly description: string;
  /** Short file key, environment name and argument where it is not `<group>.<name>`: `store` for MOORING_STORE. */
  readonly short?: string;
  /** Names in the LwM2M agent's own properties (agent specification 19). */
  readonly agent?: readonly string[];
}

export interface NumberOption extends Common {
  readonly type: "integer" | "number";
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly unit?: string;
}

export interface BooleanOption extends Common {
  readonly type: "boolean";
  readonly default: boolean;
}

export interface TextOption extends Common {
  readonly type: "text";
  /** Absent: the option may stay unset. */
  readonly default?: string;
  readonly values?: readonly string[];
  readonly pattern?: RegExp;
  /** What `pattern` asks for, as a person would say it. */
  readonly rule?: string;
  /** Never shown: not in an error, not in a dump. */
  readonly secret?: true;
}

/** Whole numbers, comma separated in the environment and in arguments, an array in the file. */
export interface IntegersOption extends Common {
  readonly type: "integers";
  readonly default: readonly number[];
  readonly minimum: number;
  readonly maximum: number;
}

/** Texts, comma separated in the environment and in arguments, an array in the file. */
export interface TextsOption extends Common {
  readonly type: "texts";
  readonly default: readonly string[];
  readonly pattern: RegExp;
  /** What `pattern` asks for of each, as a person would say it. */
  readonly rule: string;
}

/** A JSON object; its text in the environment and in arguments. Whoever reads it checks what stands in it. Never shown: it may hold secrets. */
export interface ObjectOption extends Common {
  readonly type: "object";
  readonly default: Readonly<Record<string, unknown>>;
}

export type Option = NumberOption | BooleanOption | TextOption | IntegersOption | TextsOption | ObjectOption;
/** A group of options by name. */
export type Options = Readonly<Record<string, Option>>;
export type OptionValue =
  | number
  | boolean
  | string
  | readonly number[]
  | readonly string[]
  | Readonly<Record<string, unknown>>;

/** A value, or the rule that it breaks: "must be true or false". */
export type Checked = { readonly value: OptionValue } | { readonly rule: string };

const WHOLE = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?$/;

function checkNumber(option: NumberOption, value: unknown): Checked {
  const kind = option.type === "integer" ? "a whole number" : "a number";
  const unit = option.unit ? ` ${option.unit}` : "";
  const rule = `must be ${kind} of ${option.minimum} to ${option.maximum}${unit}`;
  if (typeof value !== "number" || !(value >= option.minimum && value <= option.maximum)) return { rule };
  return option.type === "integer" && !Number.isInteger(value) ? { rule } : { value };
}

function checkText(option: TextOption, value: unknown): Checked {
  if (typeof value !== "string" || value === "") return { rule: "must be text that is not empty" };
  if (option.values && !option.values.includes(value)) return { rule: `must be one of ${option.values.join(", ")}` };
  if (option.pattern && !option.pattern.test(value)) return { rule: option.rule ?? `must match ${option.pattern}` };
  return { value };
}

function checkIntegers(option: IntegersOption, value: unknown): Checked {
  const fits = (item: unknown): item is number =>
    Number.isInteger(item) && (item as number) >= option.minimum && (item as number) <= option.maximum;
  return Array.isArray(value) && value.every(fits)
    ? { value: [...value] }
    : { rule: `must be whole numbers of ${option.minimum} to ${option.maximum}` };
}

function checkTexts({ pattern, rule }: TextsOption, value: unknown): Checked {
  const fits = Array.isArray(value) && value.every(item => typeof item === "string" && pattern.test(item));
  return fits ? { value: [...value] } : { rule };
}

const checkObject = (value: unknown): Checked =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? { value: value as Readonly<Record<string, unknown>> }
    : { rule: "must be a JSON object" };

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const wordsOf = (text: string): string[] => (text.trim() === "" ? [] : text.split(",").map(item => item.trim()));

/** Checks a value that has a type already: one from a JSON file. */
export function checkValue(option: Option, value: unknown): Checked {
  switch (option.type) {
    case "boolean":
      return typeof value === "boolean" ? { value } : { rule: "must be true or false" };
    case "text":
      return checkText(option, value);
    case "integers":
      return checkIntegers(option, value);
    case "texts":
      return checkTexts(option, value);
    case "object":
      return checkObject(value);
    default:
      return checkNumber(option, value);
  }
}

const numberOf = (text: string, pattern: RegExp): number => (pattern.test(text.trim()) ? Number(text) : Number.NaN);

/** Checks text from the environment or an argument. */
export function checkWord(option: Option, text: string): Checked {
  switch (option.type) {
    case "boolean":
      return checkValue(option, text === "true" ? true : text === "false" ? false : text);
    case "text":
      return checkValue(option, text);
    case "integers":
      return checkValue(
        option,
        wordsOf(text).map(item => numberOf(item, WHOLE)),
      );
    case "texts":
      return checkValue(option, wordsOf(text));
    case "object":
      return checkValue(option, parseObject(text));
    default:
      return checkValue(option, numberOf(text, option.type === "integer" ? WHOLE : NUMBER));
  }
}
