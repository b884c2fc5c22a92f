/**
 * CoRE Link Format (RFC 6690), the form of registration payloads and Discover answers, and what LwM2M puts into it
 * (LwM2M Core 1.1.1 sections 6.2.1, 6.3.2, 7.2). Clients bend the grammar: no leading slash, blanks, a trailing comma,
 * unquoted lists, `ver` at the wrong level, unknown attributes. All of that is read; what is written keeps to the RFC.
 */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes.ts";
import { MooringError } from "../../base/errors.ts";
import { formatPath, type Lwm2mPath } from "../path.ts";

export interface Link {
  /** Between the angle brackets, blanks trimmed. */
  readonly target: string;
  /** In order; an attribute without `=` has the value true; of attributes given twice the first counts (RFC 6690 section 2). */
  readonly attributes: Readonly<Record<string, string | true>>;
}

/** A link to an object, object instance, resource or resource instance. */
export interface ObjectLink {
  readonly path: Lwm2mPath;
  readonly attributes: Readonly<Record<string, string | true>>;
}

export interface RegistrationLinks {
  /** `/`, or the alternate path of the root link (LwM2M Core 1.1.1 section 6.2.1). */
  readonly rootPath: string;
  /** Content-Formats that any link's `ct` names, in their order, each once. */
  readonly contentFormats: readonly number[];
  /** Objects and object instances without /0 and /21 (Security, OSCORE), each once. */
  readonly objectLinks: readonly ObjectLink[];
}

const ROOT_TYPE = "oma.lwm2m";
/** Never shown to a server, though some clients list them (LwM2M Core 1.1.1 section 6.2.1). */
const HIDDEN_OBJECTS: readonly number[] = [0, 21];
const LARGEST_CONTENT_FORMAT = 65534;
const LARGEST_ID = 65534;

const TARGET = /[\s,]*<([^>]*)>/y;
const ATTRIBUTE = /\s*;\s*([^\s=;,<>"]*)\s*(?:=\s*("(?:[^"\\]|\\[\s\S])*"|[^\s;,"]*(?:,[\w.-]+(?=\s*(?:[;,]|$)))*))?/y;
const BETWEEN = /\s*(?:,|$)/y;
const BLANK = /[\s,]*$/y;

/** Sticky match that moves `at` on. */
function createScanner(text: string): (pattern: RegExp) => RegExpExecArray | undefined {
  let at = 0;
  return pattern => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match ?? undefined;
  };
}

const unquote = (text: string): string =>
  text.startsWith('"') ? text.slice(1, -1).replace(/\\([\s\S])/g, "$1") : text;

/** `ct=11543,110,112` unquoted is a list as long as what follows the comma is no link. */
function readAttributes(scan: (pattern: RegExp) => RegExpExecArray | undefined): Record<string, string | true> {
  const attributes: Record<string, string | true> = Object.create(null);
  for (let match = scan(ATTRIBUTE); match; match = scan(ATTRIBUTE)) {
    const [, name, value] = match;
    if (name && !(name in attributes)) attributes[name] = value === undefined ? true : unquote(value);
  }
  return attributes;
}

/**
 * @param payload UTF-8; an empty one holds no links
 * @throws MooringError LINK_FORMAT_INVALID naming the link at which the text leaves the grammar
 */
export function decodeLinkFormat(payload: Uint8Array): Link[] {
  const text = decodeUtf8(payload);
  if (text === undefined) throw new MooringError("LINK_FORMAT_INVALID", "the links are not UTF-8 text");
  const scan = createScanner(text);
  const links: Link[] = [];
  while (!scan(BLANK)) {
    const target = scan(TARGET);
    const attributes = target && readAttributes(scan);
    if (!target || !attributes || !scan(BETWEEN)) {
      throw new MooringError("LINK_FORMAT_INVALID", `link ${links.length + 1} is not of the form </3/0>;name=value`, {
        link: links.length + 1,
      });
    }
    links.push({ target: target[1]!.trim(), attributes });
  }
  return links;
}

const BARE = /^-?[\d.]+$/;

/** Numbers and versions bare, anything else quoted. */
function formatAttribute([name, value]: [string, string | true]): string {
  if (value === true) return `;${name}`;
  return `;${name}=${BARE.test(value) ? value : `"${value.replace(/[\\"]/g, "\\$&")}"`}`;
}

/** `</3/0>;pmin=10,</3/0/9>` */
export function encodeLinkFormat(links: readonly Link[]): Uint8Array {
  const parts = links.map(({ target, attributes }) => {
    return `<${target}>${Object.entries(attributes).map(formatAttribute).join("")}`;
  });
  return encodeUtf8(parts.join(","));
}

/** With a leading slash and none at the end; `/` for the root. */
const normalTarget = (target: string): string => `/${target.replace(/^\/+/, "").replace(/\/+$/, "")}`;

const isRootLink = ({ attributes }: Link): boolean => unlist(attributes["rt"]).includes(ROOT_TYPE);

const unlist = (value: string | true | undefined): string[] =>
  typeof value === "string" ? value.split(/[\s,]+/).filter(part => part !== "") : [];

function contentFormatsOf(links: readonly Link[]): number[] {
  const numbers = links.flatMap(link => unlist(link.attributes["ct"])).filter(part => /^\d{1,5}$/.test(part));
  return [...new Set(numbers.map(Number).filter(number => number <= LARGEST_CONTENT_FORMAT))];
}

/** The path below the root, or undefined for a link to something else (`/.well-known/core`, `/fw`). */
function pathBelow(target: string, rootPath: string): Lwm2mPath | undefined {
  const prefix = rootPath === "/" ? "/" : `${rootPath}/`;
  if (!target.startsWith(prefix)) return undefined;
  const ids = target.slice(prefix.length).split("/");
  const isPath = ids.length <= 4 && ids.every(id => /^(0|[1-9]\d{0,4})$/.test(id) && Number(id) <= LARGEST_ID);
  return isPath ? ids.map(Number) : undefined;
}

function objectLinksOf(links: readonly Link[], rootPath: string): ObjectLink[] {
  const found = new Map<string, ObjectLink>();
  for (const { target, attributes } of links) {
    const path = pathBelow(normalTarget(target), rootPath);
    const key = path && formatPath(path);
    if (path && key && !found.has(key)) found.set(key, { path, attributes });
  }
  return [...found.values()];
}

/**
 * Reads the payload of Register or Update. Links that are no objects are passed over.
 * @throws MooringError LINK_FORMAT_INVALID
 */
export function decodeRegistrationLinks(payload: Uint8Array): RegistrationLinks {
  const links = decodeLinkFormat(payload);
  const root = links.find(isRootLink);
  const rootPath = root ? normalTarget(root.target) : "/";
  const objectLinks = objectLinksOf(links, rootPath).filter(
    ({ path }) => path.length <= 2 && !HIDDEN_OBJECTS.includes(path[0]!),
  );
  return { rootPath, contentFormats: contentFormatsOf(links), objectLinks };
}

/**
 * Reads the answer to Discover: links of all levels with their attributes (`pmin`, `dim`, `ver` ...).
 * @param rootPath of the registration
 * @throws MooringError LINK_FORMAT_INVALID
 */
export function decodeDiscoverLinks(payload: Uint8Array, rootPath = "/"): ObjectLink[] {
  return objectLinksOf(decodeLinkFormat(payload), rootPath);
}

/** Versions that links state, by object id; `ver` on an object instance counts for its object, quoted or not. */
export function statedVersions(links: readonly ObjectLink[]): Map<number, string> {
  const versions = new Map<number, string>();
  for (const { path, attributes } of links) {
    const version = attributes["ver"];
    const isVersion = typeof version === "string" && /^\d{1,5}\.\d{1,5}$/.test(version);
    if (isVersion && (path.length === 1 || !versions.has(path[0]!))) versions.set(path[0]!, version);
  }
  return versions;
}
