import type { ObjectTable } from "./define.ts";

/** LwM2M TS 1.0.2 appendix E.3. Version 1.1 says more about the bits, its resources are the same. */
export const accessControl: ObjectTable = {
  id: 2,
  name: "LwM2M Access Control",
  description: "Which server may do what with one object instance.",
  multiple: true,
  mandatory: false,
  versions: ["1.0", "1.1"],
  rows: [
    [0, "Object ID", "R", "INTEGER", "Object of the instance concerned.", { mandatory: true, range: "1..65534" }],
    [1, "Object Instance ID", "R", "INTEGER", "The instance concerned.", { mandatory: true, range: "0..65535" }],
    [
      2,
      "ACL",
      "RW",
      "INTEGER",
      "By short server id: bit 0 read and observe, 1 write, 2 execute, 3 delete, 4 create.",
      { multiple: true, range: "0..31" },
    ],
    [
      3,
      "Access Control Owner",
      "RW",
      "INTEGER",
      "Short server id of the owner.",
      { mandatory: true, range: "0..65535" },
    ],
  ],
};
