/**
 * A small part of XML 1.0 (fifth edition): elements, attributes, text, CDATA, comments, processing instructions that are passed over. What can do
 * harm is refused: document types and with them entities of their own, deep nesting, huge numbers of elements. Namespaces are not
 * looked at; names go without their prefix.
 */
import { PayloadError } from "@mooring/sdk/bytes";

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** All of it, without that of the children. */
  readonly text: string;
}

const MAX_DEPTH = 16;
const MAX_ELEMENTS = 2000;
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();

const NAME = /[\p{L}_:][\p{L}\p{N}_:.\-\u00b7]*/uy;
const BLANK = /[ \t\r\n]*/y;
/** All but `Char` of section 2.2. */
const NO_CHARACTER = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

const invalid = (why: string, at: number): PayloadError => new PayloadError(`XML: ${why} (character ${at})`);

const localName = (name: string): string => name.slice(name.indexOf(":") + 1);

/** Namespaces are said in attributes, too. */
function localAttributes(attributes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if (attributes.size === 0) return NO_ATTRIBUTES;
  const usual = [...attributes].filter(([name]) => name !== "xmlns" && !name.startsWith("xmlns:"));
  return new Map(usual.map(([name, value]) => [localName(name), value]));
}

/** `#10` or `#xa`; undefined where it is no character of XML. */
function character(reference: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(reference) ?? [];
  const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  if (!(point > 0 && point <= 0x10ffff)) return undefined;
  const found = String.fromCodePoint(point);
  return NO_CHARACTER.test(found) ? undefined : found;
}

/** References are read once: `&amp;lt;` is `&lt;`. */
function plainText(text: string, at: number): string {
  if (!text.includes("&")) return text;
  return text.replace(/&([^;&]{0,12}(;?))/g, (_, found: string, end: string, offset: number) => {
    const name = found.slice(0, -1);
    const meant = end && (Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : character(name));
    if (meant) return meant;
    throw invalid("an entity that is none of lt, gt, amp, quot, apos and no character", at + offset);
  });
}

interface Open {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  readonly texts: string[];
}

/**
 * @returns the root
 * @throws  PayloadError for what is not well-formed, or is none of what is read here
 */
export function parseXml(text: string): XmlElement {
  let at = text.startsWith("\ufeff") ? 1 : 0;
  let elements = 0;
  let root: XmlElement | undefined;
  const open: Open[] = [];

  const refuse = (why: string): never => {
    throw invalid(why, at);
  };
  const match = (pattern: RegExp): string => {
    const from = at;
    pattern.lastIndex = at;
    if (pattern.test(text)) at = pattern.lastIndex;
    return text.slice(from, at);
  };
  /** What stands before `end`; the place is behind it then. */
  const upTo = (end: string, what: string): string => {
    const to = text.indexOf(end, at);
    if (to < 0) refuse(`${what} that does not end`);
    const found = text.slice(at, to);
    at = to + end.length;
    return found;
  };
  const addText = (found: string): void => {
    const parent = open.at(-1);
    if (parent) parent.texts.push(found);
    else if (found.trim() !== "") refuse("text outside of the root");
  };
  const attribute = (attributes: Map<string, string>): void => {
    const name = match(NAME) || refuse("an attribute is to follow");
    match(BLANK);
    if (text[at] !== "=") refuse(`attribute ${name} has no value`);
    at++;
    match(BLANK);
    const quote = text[at] === '"' || text[at] === "'" ? text[at]! : refuse(`the value of ${name} is not quoted`);
    at++;
    const from = at;
    const value = upTo(quote, "a value");
    if (value.includes("<")) refuse(`"<" in the value of ${name}`);
    if (attributes.has(name)) refuse(`attribute ${name} stands twice`);
    attributes.set(name, plainText(value, from));
  };
  const close = (): void => {
    const { name, attributes, children, texts } = open.pop()!;
    const element = { name: localName(name), attributes: localAttributes(attributes), children, text: texts.join("") };
    if (open.length > 0) open.at(-1)!.children.push(element);
    else root = element;
  };
  const startTag = (): void => {
    if (root) refuse("a second root");
    if (open.length === MAX_DEPTH) refuse(`nested deeper than ${MAX_DEPTH} elements`);
    if (++elements > MAX_ELEMENTS) refuse(`more than ${MAX_ELEMENTS} elements`);
    const name = match(NAME) || refuse("no name of an element");
    const attributes = new Map<string, string>();
    open.push({ name, attributes, children: [], texts: [] });
    for (;;) {
      const blank = match(BLANK);
      if (text.startsWith("/>", at)) {
        at += 2;
        close();
        return;
      }
      if (text[at] === ">") {
        at++;
        return;
      }
      if (at >= text.length) refuse(`the tag of ${name} does not end`);
      if (blank === "") refuse(`no blank before an attribute of ${name}`);
      attribute(attributes);
    }
  };
  const endTag = (): void => {
    const name = match(NAME);
    match(BLANK);
    if (text[at] !== ">") refuse("an end tag that does not end");
    if (open.at(-1)?.name !== name) refuse(`</${name}> ends nothing that is open`);
    at++;
    close();
  };
  const instruction = (): void => {
    const found = upTo("?>", "a processing instruction");
    const [, encoding = "utf-8"] = /^xml\s[\s\S]*\sencoding\s*=\s*["']([\w.-]+)["']/.exec(found) ?? [];
    if (!/^(utf-8|us-ascii)$/i.test(encoding)) refuse(`encoding ${encoding}: only UTF-8 is read`);
  };
  const markup = (): void => {
    const begins = (mark: string): boolean => {
      if (!text.startsWith(mark, at)) return false;
      at += mark.length;
      return true;
    };
    if (begins("<!--")) upTo("-->", "a comment");
    else if (begins("<![CDATA[")) addText(upTo("]]>", "a CDATA section"));
    else if (text.startsWith("<!", at)) refuse("document types are not read");
    else if (begins("<?")) instruction();
    else if (begins("</")) endTag();
    else if (begins("<")) startTag();
  };

  const wrong = NO_CHARACTER.exec(text);
  if (wrong) throw invalid("a character that XML does not know", wrong.index);
  while (at < text.length) {
    const next = text.indexOf("<", at);
    const end = next < 0 ? text.length : next;
    addText(plainText(text.slice(at, end), at));
    at = end;
    if (at < text.length) markup();
  }
  if (open.length > 0) refuse(`element ${open.at(-1)!.name} does not end`);
  return root ?? refuse("no element");
}
