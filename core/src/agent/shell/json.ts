/** JSON in a command line; what is wrong with it is pointed at where that can be told. Pure. */
import { isFailure } from "../../base/errors.ts";
import { parseExactJsonText } from "../../lwm2m/codecs/exact-json.ts";
import type { JsonObject, JsonValue } from "./command.ts";
import { part, refuse, type Word } from "./words.ts";

/** Members that objects have without being given them. */
const FORBIDDEN = "__proto__";

/** Whether the text could go on to be JSON: the parser's only complaint is that it ends. */
function mayGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const at = /at position (\d+)/.exec(message)?.[1];
    return at === undefined ? message.startsWith("Unexpected end") : Number(at) >= text.length;
  }
}

/** Place of the first character that no JSON could have there; the length where the text only ends too early. */
function firstWrong(text: string): number {
  let [good, bad] = [0, text.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (middle <= text.length && mayGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

/** @param example what it should look like. @throws MooringError VALIDATION */
export function readJson(word: Word, example: string): JsonValue {
  try {
    return parseExactJsonText(word.text, "JSON_INVALID") as JsonValue;
  } catch (error) {
    if (!isFailure(error)) throw error;
    const wrongAt = firstWrong(word.text);
    if (wrongAt < word.text.length) throw refuse(part(word, wrongAt, 1), "does not belong into the JSON here", example);
    throw refuse({ text: "", at: word.at + word.length, length: 1 }, "the JSON ends too early", example);
  }
}

/** @throws MooringError VALIDATION */
export function readJsonObject(word: Word, example: string): JsonObject {
  const value = readJson(word, example);
  if (isJsonObject(value) && !Object.hasOwn(value, FORBIDDEN)) return value;
  throw refuse(word, "is no JSON object", example);
}

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
