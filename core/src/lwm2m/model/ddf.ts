/**
 * Object definition files (DDF: the XML of LwM2M object definitions, OMA schemas LWM2M.xsd and LWM2M-v1_1.xsd) to object
 * models. The one home of fast-xml-parser. Files come from operators and partners: no DOCTYPE, no entities of their own,
 * bounded size and nesting.
 */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { decodeUtf8 } from "../../base/bytes.ts";
import { isFailure, MooringError, messageOf } from "../../base/errors.ts";
import type { ResourceType } from "../resource-value.ts";
import type { ObjectModel, ResourceModel } from "./object-model.ts";

export interface DdfFailure {
  /** As written in the file; empty where it has none. */
  readonly objectId: string;
  readonly error: MooringError;
}

export interface DdfContent {
  readonly models: readonly ObjectModel[];
  /** Objects of the file that are no valid definitions; the others stand. */
  readonly failures: readonly DdfFailure[];
}

export const LARGEST_DDF_BYTES = 1_000_000;
const DEEPEST_NESTING = 12;
const LARGEST_ID = 65534;

type Node = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  processEntities: false,
  maxNestedTags: DEEPEST_NESTING,
  isArray: name => name === "Item" || name === "Object",
});

const invalid = (message: string, details: Record<string, unknown> = {}, cause?: unknown): MooringError =>
  new MooringError("DDF_INVALID", message, details, { cause });

/** The library quotes the file in its messages, at any length. */
const short = (message: string): string => message.replace(/\s+/g, " ").slice(0, 120);

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The five of XML 1.0 section 4.6 and character references; anything else stays as written. */
function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g, (whole, decimal, hex, name) => {
    if (name) return ENTITIES[name]!;
    const point = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    const isCharacter = point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
    return isCharacter ? String.fromCodePoint(point) : whole;
  });
}

/** Text of an element or attribute; empty where it is absent. Of an element given twice the first counts. */
function text(node: Node, name: string): string {
  const found = node[name];
  const first: unknown = Array.isArray(found) ? found[0] : found;
  const content = isNode(first) ? first["#text"] : first;
  return typeof content === "string" ? decodeEntities(content) : "";
}

function idOf(written: string, what: string, details: Record<string, unknown>): number {
  const id = /^\d{1,5}$/.test(written) ? Number(written) : Number.NaN;
  if (id <= LARGEST_ID) return id;
  throw invalid(`${what} "${written}" is no number of 0 to ${LARGEST_ID}`, details);
}

/** One of the words that an element may hold, whatever their case. */
function choice<T>(node: Node, name: string, words: Readonly<Record<string, T>>, where: string, details: object): T {
  const written = text(node, name);
  const word = written.toLowerCase().replace(/[\s_]/g, "");
  if (Object.hasOwn(words, word)) return words[word]!;
  const allowed = Object.keys(words).join(", ");
  throw invalid(`${where}: ${name} "${written}" is none of ${allowed}`, { ...details, field: name, allowed });
}

const INSTANCES = { single: false, multiple: true };
const NEEDED = { optional: false, mandatory: true };
const OPERATIONS = { "": "", r: "R", w: "W", rw: "RW", e: "E" } as const;
const TYPES: Readonly<Record<string, ResourceType>> = {
  string: "STRING",
  integer: "INTEGER",
  unsignedinteger: "UNSIGNED_INTEGER",
  float: "FLOAT",
  boolean: "BOOLEAN",
  opaque: "OPAQUE",
  time: "TIME",
  objlnk: "OBJECTLINK",
  corelnk: "CORELINK",
};

function readItem(item: Node, objectId: number): ResourceModel {
  const where = `object ${objectId}, item "${text(item, "@ID")}"`;
  const id = idOf(text(item, "@ID"), `object ${objectId}: item ID`, { objectId, field: "ID" });
  const details = { objectId, itemId: id };
  const operations = choice(item, "Operations", OPERATIONS, where, details);
  const name = text(item, "Name");
  if (name === "") throw invalid(`${where}: Name is missing`, { ...details, field: "Name" });
  return {
    id,
    name,
    description: text(item, "Description"),
    operations,
    ...(operations === "E" ? {} : { dataType: choice(item, "Type", TYPES, where, details) }),
    units: text(item, "Units"),
    multiple: choice(item, "MultipleInstances", INSTANCES, where, details),
    mandatory: choice(item, "Mandatory", NEEDED, where, details),
    rangeEnumeration: text(item, "RangeEnumeration"),
  };
}

function itemsOf(object: Node): readonly unknown[] {
  const resources = object["Resources"];
  const items = isNode(resources) ? resources["Item"] : undefined;
  return Array.isArray(items) ? items : [];
}

function readResources(object: Node, objectId: number): Record<string, ResourceModel> {
  const resources: Record<string, ResourceModel> = {};
  for (const item of itemsOf(object)) {
    const resource = readItem(isNode(item) ? item : {}, objectId);
    if (Object.hasOwn(resources, resource.id)) {
      throw invalid(`object ${objectId}, item "${resource.id}" is defined twice`, { objectId, itemId: resource.id });
    }
    resources[resource.id] = resource;
  }
  return resources;
}

/** The element, else the URN's last part (`urn:oma:lwm2m:ext:3303:1.1`), else 1.0. */
function versionOf(object: Node, objectId: number): string {
  const written = text(object, "ObjectVersion") || (/:(\d+\.\d+)$/.exec(text(object, "ObjectURN"))?.[1] ?? "1.0");
  if (/^\d{1,5}\.\d{1,5}$/.test(written)) return written;
  throw invalid(`object ${objectId}: ObjectVersion "${written}" is not of the form 1.0`, {
    objectId,
    field: "ObjectVersion",
  });
}

function readObject(object: Node): ObjectModel {
  const id = idOf(text(object, "ObjectID"), "ObjectID", { field: "ObjectID" });
  const where = `object ${id}`;
  const name = text(object, "Name");
  if (name === "") throw invalid(`${where}: Name is missing`, { objectId: id, field: "Name" });
  return {
    id,
    name,
    description: text(object, "Description1"),
    version: versionOf(object, id),
    multiple: choice(object, "MultipleInstances", INSTANCES, where, { objectId: id }),
    mandatory: choice(object, "Mandatory", NEEDED, where, { objectId: id }),
    urn: text(object, "ObjectURN"),
    resources: readResources(object, id),
  };
}

/** @returns the file's text without byte order mark */
function textOf(bytes: Uint8Array): string {
  if (bytes.length > LARGEST_DDF_BYTES) {
    throw new MooringError("TOO_LARGE", `the file has ${bytes.length} bytes, a DDF may have ${LARGEST_DDF_BYTES}`, {
      length: bytes.length,
      limit: LARGEST_DDF_BYTES,
    });
  }
  const content = decodeUtf8(bytes)?.replace(/^\ufeff/, "");
  if (content === undefined) throw invalid("the file is not UTF-8 text");
  return content;
}

/** @returns the nodes `Object` of the file */
function objectNodes(bytes: Uint8Array): readonly unknown[] {
  const content = textOf(bytes);
  if (/<!\s*(DOCTYPE|ENTITY)/i.test(content)) throw invalid("a DOCTYPE or entity declaration is not allowed");
  const flaw = XMLValidator.validate(content);
  if (flaw !== true) {
    throw invalid(`not well-formed XML, line ${flaw.err.line}: ${short(flaw.err.msg)}`, { line: flaw.err.line });
  }
  const root: unknown = parser.parse(content);
  const lwm2m = isNode(root) ? root["LWM2M"] : undefined;
  const objects = isNode(lwm2m) ? lwm2m["Object"] : undefined;
  if (Array.isArray(objects)) return objects;
  throw invalid("the file holds no element LWM2M with an Object in it");
}

/** Everything the XML library may throw becomes one error of ours. */
function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (isFailure(error)) throw error;
    throw invalid(`the file cannot be read as XML: ${short(messageOf(error))}`, {}, error);
  }
}

/**
 * Reads a file that may hold several objects, keeping the good ones apart from the bad ones.
 * @throws MooringError DDF_INVALID where the file as a whole is unusable, TOO_LARGE past 1,000,000 bytes
 */
export function readDdf(bytes: Uint8Array): DdfContent {
  const models: ObjectModel[] = [];
  const failures: DdfFailure[] = [];
  for (const object of guarded(() => objectNodes(bytes))) {
    const node = isNode(object) ? object : {};
    try {
      const model = readObject(node);
      if (models.some(({ id, version }) => id === model.id && version === model.version)) {
        throw invalid(`object ${model.id} of version ${model.version} is defined twice`, { objectId: model.id });
      }
      models.push(model);
    } catch (error) {
      if (!isFailure(error)) throw error;
      failures.push({ objectId: text(node, "ObjectID"), error });
    }
  }
  return { models, failures };
}
