/** A rush of Registers as a process of its own: `node rush.ts '<RushPlan>'` prints one JSON line, a RushResult without locations. */
import { type RushPlan, rush } from "../harness/rush.ts";

const { locations, ...result } = await rush(JSON.parse(process.argv[2]!) as RushPlan);
console.log(JSON.stringify({ ...result, distinct: new Set(locations).size }));
