/** `--help`, made from the table of options. */
import { NAMED_OPTIONS, type NamedOption } from "./names.ts";
import type { Option } from "./option.ts";

function rangeOf(option: Option): string {
  switch (option.type) {
    case "boolean":
      return "true or false";
    case "text":
      return option.values ? option.values.join(", ") : "text";
    case "integers":
      return `whole numbers ${option.minimum} to ${option.maximum}, comma separated`;
    case "texts":
      return "texts, comma separated";
    case "object":
      return "a JSON object";
    default:
      return `${option.minimum} to ${option.maximum}${option.unit ? ` ${option.unit}` : ""}`;
  }
}

function defaultOf({ default: value }: Option): string {
  if (value === undefined) return "not set";
  if (Array.isArray(value)) return value.length === 0 ? "default none" : `default ${value.join(",")}`;
  return typeof value === "object" ? "default {}" : `default ${value}`;
}

function entry({ key, environment, option }: NamedOption): string {
  const agent = option.agent?.length ? `\n      agent  ${option.agent.join(", ")}` : "";
  return `  --${key}  ${environment}\n      ${option.description}.\n      ${rangeOf(option)}; ${defaultOf(option)}${agent}`;
}

/** Every option with its names, range, unit and default. */
export function helpText(): string {
  const head = [
    "Usage: npm start -- [--config <file>] [--demo] [--<option> <value>]...",
    "",
    "Options come from the file, then the environment, then the arguments; the later one wins. The file is a JSON object",
    'with the same names: {"http": {"port": 8068}} or {"http.port": 8068}; one that ends in .properties holds lines such as',
    'http.port=8068. The names after "agent" are those of the LwM2M agent; the file takes them as they are, the environment in',
    "upper case with _ for each dot.",
    "",
  ];
  return [...head, ...NAMED_OPTIONS.map(entry), ""].join("\n");
}
