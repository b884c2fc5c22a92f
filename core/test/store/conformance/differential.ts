/** Random filters over random documents, compared with an evaluator in memory. */
import { assert } from "chai";
import { createSeededRandom } from "../../../src/base/random.ts";
import type { Filter } from "../../../src/store/collection.ts";
import { compareText } from "../../../src/store/update-plan.ts";
import { matches } from "./evaluate.ts";
import { randomFilter, randomThing } from "./random-things.ts";
import { type Bench, ids } from "./things.ts";

const LISTS = new Set(["tags"]);
const DOCUMENTS = 80;
const FILTERS = 300;

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
}
