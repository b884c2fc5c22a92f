import { hostileSuite } from "../harness/hostile-suite.ts";

hostileSuite("isolated-vm");
