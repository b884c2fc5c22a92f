/** What every engine promises. Each engine's test file calls {@link storeSuite}. */
import { differentialSuite } from "./differential.ts";
import { documentSuite } from "./documents.ts";
import { readingSuite } from "./reading.ts";
import { seriesSuite } from "./series.ts";
import { type Bench, KEYED, type StoreSource, THINGS } from "./things.ts";
import { updatingSuite } from "./updating.ts";
import { writingSuite } from "./writing.ts";

export function storeSuite(source: StoreSource): void {
  const bench = {} as Bench;

  before(async () => {
    bench.store = await source.open();
    bench.things = bench.store.collection(THINGS);
    bench.keyed = bench.store.collection(KEYED);
  });
  beforeEach(async () => {
    await bench.things.deleteMany({});
    await bench.keyed.deleteMany({});
  });
  after(async () => {
    await bench.store?.close();
    await source.remove();
  });

  describe("documents", () => documentSuite(bench));
  describe("reading", () => readingSuite(bench));
  describe("updating", () => updatingSuite(bench));
  describe("writing", () => writingSuite(bench));
  describe("series", () => seriesSuite(bench));
  describe("filters at random", () => differentialSuite(bench));
}
