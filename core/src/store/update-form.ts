/**
 * Updates that differ in their values only are of one form. What follows from the form alone - paths, rules, whether a document
 * of an upsert is complete - is found out once and kept with the shape; of each further update only the values are checked and,
 * in the SQLite engine, only the values go to the writer.
 */
import type { Filter, Update } from "./collection.ts";
import { all, type Comparable, checkComparable, type Node } from "./condition.ts";
import type { UpdateCommand } from "./engine.ts";
import type { Path } from "./path.ts";
import type { Shape } from "./shape.ts";
import { type Change, checkChange, type Operator, type UpdatePlan, upsertDocument } from "./update-plan.ts";
import { checkField, checkId } from "./value-rules.ts";

export interface UpdateForm {
  readonly shape: Shape;
  /** Fields that equal a value, `_id` among them. */
  readonly where: readonly Path[];
  readonly changes: readonly Pick<Change, "operator" | "path">[];
  readonly upsert: boolean;
}

/** Those of the filter, then those of the changes. */
export type FormValues = readonly unknown[];

/** More forms of one collection are parsed each time. */
const MOST_FORMS = 1000;
const OPERATORS: ReadonlySet<Operator> = new Set(["$set", "$unset", "$max", "$min", "$setOnInsert"]);

export function whereOf({ where }: UpdateForm, values: FormValues): Node {
  return all(where.map((path, at): Node => ({ is: "eq", path, value: values[at] as Comparable })));
}

export const planOf = ({ where, changes }: UpdateForm, values: FormValues): UpdatePlan =>
  changes.map((change, at) => ({ ...change, value: values[where.length + at] }));

/** What an upsert inserts. */
export function insertOf(form: UpdateForm, values: FormValues): ReturnType<typeof upsertDocument> {
  const seeds = new Map(form.where.map(({ text }, at) => [text, values[at]]));
  return upsertDocument(form.shape, seeds, planOf(form, values));
}

/** An update of a known form; the parts that engines other than SQLite ask for are made when they are asked for. */
class FormUpdate implements UpdateCommand {
  readonly do = "update";
  readonly returning = "nothing";
  readonly form: UpdateForm;
  readonly values: FormValues;
  readonly isUncounted: boolean;

  constructor(form: UpdateForm, values: FormValues, isUncounted: boolean) {
    this.form = form;
    this.values = values;
    this.isUncounted = isUncounted;
  }
  get shape(): Shape {
    return this.form.shape;
  }
  get where(): Node {
    return whereOf(this.form, this.values);
  }
  get plan(): UpdatePlan {
    return planOf(this.form, this.values);
  }
  get insert(): ReturnType<typeof upsertDocument> | undefined {
    return this.form.upsert ? insertOf(this.form, this.values) : undefined;
  }
}

/** What tells forms apart, and the values; undefined for what has none. Names hold no NUL, or they are refused when parsed. */
function formOf(filter: Filter, update: Update, upsert: boolean): { key: string; values: unknown[] } | undefined {
  let key = upsert ? "upsert" : "update";
  const values: unknown[] = [];
  for (const name of Object.keys(filter)) {
    const value = (filter as Readonly<Record<string, unknown>>)[name];
    if (value === null || value === undefined || typeof value === "object") return undefined;
    key += `\0${name}`;
    values.push(value);
  }
  for (const operator of Object.keys(update) as Operator[]) {
    if (!OPERATORS.has(operator)) return undefined;
    key += `\0\0${operator}`;
    const members = (update as Readonly<Record<string, Readonly<Record<string, unknown>>>>)[operator]!;
    for (const name of Object.keys(members)) {
      if (members[name] === undefined) return undefined;
      key += `\0${name}`;
      values.push(members[name]);
    }
  }
  return { key: `${key}\0${values.length}`, values };
}

/** @throws MooringError as the parsing of filter and update does */
function checkValues({ shape, where, changes, upsert }: UpdateForm, values: FormValues): void {
  let at = 0;
  for (const path of where) {
    const value = values[at++];
    checkComparable(shape, path, value);
    if (!upsert) continue;
    if (path.text === "_id") checkId(value);
    else checkField(path.type!, value, path.text);
  }
  for (const { operator, path } of changes) checkChange(shape, operator, path, values[at++]);
}

/** Remembers the form of a command that was just parsed, if it has one that can be used again. */
function remember(key: string, { shape, where, plan, insert }: UpdateCommand): void {
  if (shape.forms.size >= MOST_FORMS) return;
  const nodes = where.is === "all" ? where.of : [where];
  const paths = nodes.flatMap(node => (node.is === "eq" ? [node.path] : []));
  const isPlain =
    paths.length === nodes.length &&
    paths.some(({ text }) => text === "_id") &&
    [...paths, ...plan.map(({ path }) => path)].every(({ type }) => type !== "bytes") &&
    paths.every(({ type }) => type !== undefined && type !== "strings");
  if (!isPlain) return;
  const changes = plan.map(({ operator, path }) => ({ operator, path }));
  shape.forms.set(key, { shape, where: paths, changes, upsert: insert !== undefined });
}

/**
 * @param parse makes the command without the help of its form; asked for the first of each form
 * @throws MooringError as `parse` does
 */
export function updateByForm(
  shape: Shape,
  filter: Filter,
  update: Update,
  options: { readonly upsert: boolean; readonly isUncounted: boolean },
  parse: () => UpdateCommand,
): UpdateCommand {
  const { upsert, isUncounted } = options;
  const asked = formOf(filter, update, upsert);
  if (!asked) return parse();
  const form = shape.forms.get(asked.key);
  if (form) {
    checkValues(form, asked.values);
    return new FormUpdate(form, asked.values, isUncounted);
  }
  const command = parse();
  remember(asked.key, command);
  return command;
}
