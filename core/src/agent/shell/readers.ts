/** What follows the path in commands that have a form of their own (agent specification 10.3). Pure. */
import { fromHex } from "../../base/bytes.ts";
import { type ContentFormatName, SERIALIZATION_FORMATS } from "../../lwm2m/codecs/codec.ts";
import type { NotificationAttributes } from "../../lwm2m/wire/to-coap.ts";
import type { CommandOf, FirmwareName, JsonObject } from "./command.ts";
import { isJsonObject, readJsonObject } from "./json.ts";
import { part, refuse, type Word } from "./words.ts";

const ARGLIST_RULE =
  "arguments such as 0='a',1: digits, each with text in single quotes or without (executelegacy sends any text)";
/** CHAR of the argument list: printable ASCII without blank, `"`, `'` and `\`. */
const ARGUMENT = /\d(?:='[!#-&(-[\]-~]*')?/y;

/** `arglist = arg *("," arg)`, `arg = DIGIT ["=" "'" *CHAR "'"]` (LwM2M Core 1.1.1 section 6.3.5). @throws MooringError VALIDATION */
export function readArguments(word: Word): string {
  const { text } = word;
  for (let at = 0; text !== ""; at++) {
    ARGUMENT.lastIndex = at;
    if (!ARGUMENT.test(text))
      throw refuse(part(word, at, Math.max(1, text.length - at)), "is no argument", ARGLIST_RULE);
    at = ARGUMENT.lastIndex;
    if (at === text.length) break;
    if (text[at] !== ",") throw refuse(part(word, at, text.length - at), "does not belong here", ARGLIST_RULE);
  }
  return text;
}

const HEX_RULE = "an even number of hexadecimal digits, or binary:<id of a stored file>";
const FILE = "binary:";

/** @throws MooringError VALIDATION */
export function readBinary(word: Word): { readonly bytes: Uint8Array } | { readonly fileId: Word } {
  const { text } = word;
  if (text.toLowerCase().startsWith(FILE)) {
    const fileId = part(word, FILE.length, word.length - FILE.length);
    if (/^\d{1,20}$/.test(fileId.text)) return { fileId };
    throw refuse(fileId.text === "" ? word : fileId, "is no id of a file", HEX_RULE);
  }
  const wrongAt = text.search(/[^0-9a-fA-F]/);
  if (wrongAt >= 0) throw refuse(part(word, wrongAt, 1), "is no hexadecimal digit", HEX_RULE);
  if (text.length % 2 !== 0) throw refuse(word, `has ${text.length} digits`, HEX_RULE);
  return { bytes: fromHex(text) };
}

type AttributeName = keyof NotificationAttributes;
const WHOLE = /^\d{1,9}$/;
const DECIMAL = /^-?(\d+(\.\d*)?|\.\d+)$/;
const PERIOD = { form: WHOLE, rule: "whole seconds" };
const THRESHOLD = { form: DECIMAL, rule: "a decimal number" };
/** LwM2M Core 1.1.1 section 5.1.2. */
const ATTRIBUTES: Readonly<Record<AttributeName, { readonly form: RegExp; readonly rule: string }>> = {
  pmin: PERIOD,
  pmax: PERIOD,
  epmin: PERIOD,
  epmax: PERIOD,
  gt: THRESHOLD,
  lt: THRESHOLD,
  st: { form: /^(\d+(\.\d*)?|\.\d+)$/, rule: "a decimal number, not negative" },
};
export const ATTRIBUTE_NAMES = Object.keys(ATTRIBUTES);
export const ATTRIBUTES_USAGE = "pmin=<s>&pmax=<s>&gt=<number>&lt=<number>&st=<number>&epmin=<s>&epmax=<s>&cancel";
const ATTRIBUTES_RULE = `${ATTRIBUTES_USAGE}, each of them or not; without a value (pmin=) it is unset`;

function readAttribute(word: Word): [AttributeName, number | null] {
  const [name = "", value = "", ...more] = word.text.split("=");
  const known = ATTRIBUTE_NAMES.find(each => each === name.toLowerCase()) as AttributeName | undefined;
  if (known === undefined || more.length > 0) throw refuse(word, "is no attribute", ATTRIBUTES_RULE);
  if (value === "") return [known, null];
  const { form, rule } = ATTRIBUTES[known];
  const given = part(word, name.length + 1, value.length);
  if (!form.test(value)) throw refuse(given, `is no ${known}`, rule);
  return [known, Number(value)];
}

/** "lt + 2 * st < gt" (LwM2M Core 1.1.1 section 5.1.2). */
function checkThresholds(word: Word, { gt, lt, st }: NotificationAttributes): void {
  if (typeof gt !== "number" || typeof lt !== "number") return;
  if (lt + 2 * (st ?? 0) < gt) return;
  throw refuse(word, "holds thresholds that do not fit", "lt + 2 * st must be less than gt");
}

/** @throws MooringError VALIDATION */
export function readAttributes(word: Word): Pick<CommandOf<"writeattr">, "attributes" | "cancel"> {
  if (word.text === "") throw refuse(word, "attributes are missing", ATTRIBUTES_RULE);
  const attributes: Partial<Record<AttributeName, number | null>> = {};
  let cancel = false;
  let at = 0;
  for (const text of word.text.split("&")) {
    const each = part(word, at, Math.max(1, text.length));
    at += text.length + 1;
    if (text.toLowerCase() === "cancel") {
      cancel = true;
      continue;
    }
    const [name, value] = readAttribute(text === "" ? { ...each, text: "" } : each);
    if (Object.hasOwn(attributes, name)) throw refuse(each, "is there already", "each attribute once");
    attributes[name] = value;
  }
  checkThresholds(word, attributes);
  return { attributes, cancel };
}

export const FORMAT_NAMES: readonly ContentFormatName[] = SERIALIZATION_FORMATS;
export const DEFAULT_FORMAT = "DEFAULT";

/** @returns undefined for DEFAULT. @throws MooringError VALIDATION */
export function readFormat(word: Word): ContentFormatName | undefined {
  const rule = `one of ${[...FORMAT_NAMES, DEFAULT_FORMAT].join(", ")}`;
  const name = word.text.toUpperCase();
  if (name === DEFAULT_FORMAT) return undefined;
  const format = FORMAT_NAMES.find(each => each === name);
  if (!format) throw refuse(word, word.text === "" ? "a format is missing" : "is no format", rule);
  return format;
}

export const CREATE_EXAMPLE = '{"id":1,"resources":{"5850":true,"5851":10}} or {"5850":true}';
const LARGEST_ID = 65_534;
const isId = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= LARGEST_ID;

/** Members named by resource ids, each with a value that is not null. @throws MooringError VALIDATION */
export function checkResources(word: Word, resources: JsonObject, example: string): JsonObject {
  for (const [id, value] of Object.entries(resources)) {
    if (!isId(id))
      throw refuse(word, `has the member ${JSON.stringify(id.slice(0, 40))}, which is no resource id`, example);
    if (value === null || Array.isArray(value)) throw refuse(word, `has no value for resource ${id}`, example);
  }
  return resources;
}

/** Both forms of the JSON (agent specification 10.3); empty: no resources. @throws MooringError VALIDATION */
export function readInstance(word: Word): Pick<CommandOf<"create">, "instanceId" | "resources"> {
  if (word.text === "") return { resources: {} };
  const body = readJsonObject(word, CREATE_EXAMPLE);
  const { id, resources = {}, ...more } = body;
  if (id === undefined && body["resources"] === undefined) {
    return { resources: checkResources(word, body, CREATE_EXAMPLE) };
  }
  const [stranger] = Object.keys(more);
  if (stranger !== undefined) {
    throw refuse(
      word,
      `has the member ${JSON.stringify(stranger.slice(0, 40))} beside id and resources`,
      CREATE_EXAMPLE,
    );
  }
  if (id !== undefined && !(typeof id === "number" && isId(String(id)))) {
    throw refuse(word, "has an id that is none", `id must be a whole number up to ${LARGEST_ID}`);
  }
  if (!isJsonObject(resources)) throw refuse(word, "has resources that are no JSON object", CREATE_EXAMPLE);
  return {
    resources: checkResources(word, resources, CREATE_EXAMPLE),
    ...(typeof id === "number" && { instanceId: id }),
  };
}

export const FIRMWARE_USAGE = "<name>;<version>;<url>";
/** Schemes that devices can fetch from (agent specification 14.2). */
const FIRMWARE_SCHEMES = ["coap:", "coaps:", "http:", "https:"];

/** @throws MooringError VALIDATION */
export function readFirmware(word: Word): FirmwareName {
  const [name = "", version = "", ...rest] = word.text.split(";");
  const url = rest.join(";").trim();
  if (name.trim() === "" || version.trim() === "" || url === "") {
    throw refuse(word, word.text === "" ? "the firmware is missing" : "is no firmware", FIRMWARE_USAGE);
  }
  const urlAt = word.text.length - rest.join(";").trimStart().length;
  const scheme = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (scheme === undefined || !FIRMWARE_SCHEMES.includes(scheme)) {
    const rule = `an address with ${FIRMWARE_SCHEMES.join(", ")} and a host`;
    throw refuse(part(word, urlAt, url.length), "is no address of a firmware", rule);
  }
  return { name: name.trim(), version: version.trim(), url };
}
