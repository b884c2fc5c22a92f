/** A rush of Registers as a process of its own: `node rush.ts '<RushPlan>'` prints one JSON line, a RushResult without locations. */
import { rush } from "../harness/rush.ts";
import type { RushPlan } from "../harness/rush-plan.ts";

const { locations, ...result } = await rush(JSON.parse(process.argv[2]!) as RushPlan);
console.log(JSON.stringify({ ...result, distinct: new Set(locations).size }));
