/** XML to measurements by the rules of README.md. */
import type { Decoder } from "@mooring/sdk";
import { decodeUtf8, orUndecodable, Quantity, type Tree, timeMsOf, treeOptions, treeResult } from "@mooring/sdk/bytes";
import { parseXml, type XmlElement } from "./xml.ts";

const NUMBER = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const UNIT_NAMES = ["unit", "units", "uom"];
const TIME_NAMES = ["time", "timestamp", "dateTime"];

/** `007` stays a text: it is a serial number sooner than seven. */
function scalar(text: string): Tree {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  return NUMBER.test(trimmed) ? Number(trimmed) : trimmed;
}

const unitOf = ({ attributes }: XmlElement): string | undefined =>
  UNIT_NAMES.map(name => attributes.get(name)).find(unit => unit !== undefined);

/** An attribute `name` says what an element is called. */
const nameOf = ({ name, attributes }: XmlElement): string => attributes.get("name") || name;

/** A time where it is called one and is one. */
function memberTree(name: string, value: Tree): Tree {
  const isTime = TIME_NAMES.includes(name) && (typeof value === "string" || typeof value === "number");
  const timeMs = isTime ? timeMsOf(value) : undefined;
  return timeMs === undefined ? value : new Date(timeMs);
}

function treeOf(element: XmlElement): Tree {
  const { attributes, children, text } = element;
  const value = scalar(text);
  if (attributes.size === 0 && children.length === 0) return value;
  const unit = unitOf(element);
  const own = typeof value === "number" && unit !== undefined ? new Quantity(value, unit) : value;
  const members: [name: string, value: Tree][] = [...attributes]
    .filter(([name]) => name !== "name" && !(UNIT_NAMES.includes(name) && own instanceof Quantity))
    .map(([name, given]) => [name, memberTree(name, scalar(given))]);
  for (const child of children) members.push([nameOf(child), memberTree(child.name, treeOf(child))]);
  if (members.length === 0) return own;
  if (own !== null) members.push(["value", own]);
  return gathered(members);
}

/** Members of the same name become an array. */
function gathered(members: readonly [name: string, value: Tree][]): Tree {
  const byName = new Map<string, Tree[]>();
  for (const [name, value] of members) {
    const values = byName.get(name);
    if (values) values.push(value);
    else byName.set(name, [value]);
  }
  return Object.fromEntries(
    Array.from(byName, ([name, values]): [string, Tree] => [name, values.length === 1 ? values[0] : values]),
  );
}

export default {
  decode: orUndecodable(({ value, device }) =>
    treeResult(treeOf(parseXml(decodeUtf8(value))), treeOptions(device["mooring_Xml"], "xml")),
  ),
} satisfies Decoder;
