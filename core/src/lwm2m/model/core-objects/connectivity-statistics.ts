import type { ObjectTable } from "./define.ts";

/** LwM2M TS 1.0.2 appendix E.8. */
export const connectivityStatistics: ObjectTable = {
  id: 7,
  name: "Connectivity Statistics",
  description: "Counts of messages and data in a collection period.",
  multiple: false,
  mandatory: false,
  versions: ["1.0"],
  rows: [
    [0, "SMS Tx Counter", "R", "INTEGER", "Messages sent by SMS."],
    [1, "SMS Rx Counter", "R", "INTEGER", "Messages received by SMS."],
    [2, "Tx Data", "R", "INTEGER", "Data sent over IP.", { units: "KB" }],
    [3, "Rx Data", "R", "INTEGER", "Data received over IP.", { units: "KB" }],
    [4, "Max Message Size", "R", "INTEGER", "Largest IP message.", { units: "B" }],
    [5, "Average Message Size", "R", "INTEGER", "Mean IP message.", { units: "B" }],
    [6, "Start", "E", undefined, "Set the counters to zero and begin.", { mandatory: true }],
    [7, "Stop", "E", undefined, "Stop counting, keep the counters.", { mandatory: true }],
    [8, "Collection Period", "RW", "INTEGER", "Stop by itself after that time.", { units: "s" }],
  ],
};
