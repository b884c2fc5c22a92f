/** Random filters over random documents, compared with an evaluator in memory. */
import { assert } from "chai";
import type { MooringError } from "../../../src/base/errors.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import type { Filter, Update } from "../../../src/store/collection.ts";
import { shapeOf } from "../../../src/store/shape.ts";
import { applyUpdate, compareText, parseUpdate, type UpdatePlan } from "../../../src/store/update-plan.ts";
import { matches } from "./evaluate.ts";
import { randomFilter, randomThing, randomUpdate } from "./random-things.ts";
import { type Bench, codeOf, ids, THINGS, type Thing } from "./things.ts";

const LISTS = new Set(["tags"]);
const DOCUMENTS = 80;
const FILTERS = 300;
const UPDATED_DOCUMENTS = 20;
const UPDATES_EACH = 12;
const SHAPE = shapeOf(THINGS);

/** The document and the code that the update plan, applied in memory, leads to; undefined where the update is refused. */
function expected(before: Thing, update: Update<Thing>): readonly [after: Thing, code: string] | undefined {
  let plan: UpdatePlan;
  try {
    plan = parseUpdate(SHAPE, update as Update, false);
  } catch {
    return undefined;
  }
  const after = structuredClone(before);
  try {
    applyUpdate(after, plan, false);
    return [JSON.parse(JSON.stringify(after)), "none"];
  } catch (error) {
    return [before, (error as MooringError).code];
  }
}

async function compareUpdates(bench: Bench, seed: number): Promise<void> {
  const random = createSeededRandom(seed);
  const seen = new Set<string>();
  for (let i = 0; i < UPDATED_DOCUMENTS; i++) {
    let document = randomThing(random, String(i));
    await bench.things.insertOne(document);
    for (let n = 0; n < UPDATES_EACH; n++) {
      const update = randomUpdate(random);
      const wanted = expected(document, update);
      if (!wanted) continue;
      const [after, code] = wanted;
      assert.equal(
        await codeOf(() => bench.things.updateOne({ _id: document._id }, update)),
        code,
        say(document, update),
      );
      assert.deepEqual(await bench.things.findOne({ _id: document._id }), after, say(document, update));
      document = after;
      seen.add(code);
    }
  }
  assert.deepEqual([...seen].sort(), ["CONFLICT", "none"], "both happen");
}

const say = (document: Thing, update: Update<Thing>): string =>
  `${JSON.stringify(update)} of ${JSON.stringify(document)}`;

export function differentialSuite(bench: Bench): void {
  for (const seed of [1, 2]) {
    it(`finds what the rules say, seed ${seed}`, async () => {
      const random = createSeededRandom(seed);
      const documents = Array.from({ length: DOCUMENTS }, (_, i) => randomThing(random, String(i)));
      await bench.things.insertMany(documents);
      let found = 0;
      for (let i = 0; i < FILTERS; i++) {
        const filter = randomFilter(random);
        const wanted = documents.filter(document => matches(document, filter as Filter, LISTS));
        const got = await bench.things.find(filter, { limit: 1000 });
        assert.deepEqual(ids(got), ids(wanted).sort(compareText), JSON.stringify(filter));
        found += got.length;
      }
      assert.isAbove(found, FILTERS, "filters and documents meet");
      for (const document of await bench.things.find({}, { limit: 1000 })) {
        assert.deepEqual(document, documents[Number(document._id)]);
      }
    });
  }
  it("updates as the rules say", () => compareUpdates(bench, 5));
}
