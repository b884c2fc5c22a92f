import type { ObjectTable } from "./define.ts";

/** LwM2M TS 1.0.2 appendix E.5, Core 1.1.1 appendix E.5. */
export const connectivityMonitoring: ObjectTable = {
  id: 4,
  name: "Connectivity Monitoring",
  description: "The network that the device is in, and how well it hears it.",
  multiple: false,
  mandatory: false,
  versions: ["1.0", "1.1", "1.2", "1.3"],
  rows: [
    [0, "Network Bearer", "R", "INTEGER", "Bearer in use, by number.", { mandatory: true, range: "0..50" }],
    [
      1,
      "Available Network Bearer",
      "R",
      "INTEGER",
      "Bearers that could be used.",
      { multiple: true, mandatory: true, range: "0..50" },
    ],
    [2, "Radio Signal Strength", "R", "INTEGER", "Strength of the received signal.", { mandatory: true, units: "dBm" }],
    [3, "Link Quality", "R", "INTEGER", "Quality of the received signal, scale by bearer."],
    [4, "IP Addresses", "R", "STRING", "Addresses of the device.", { multiple: true, mandatory: true }],
    [5, "Router IP Addresses", "R", "STRING", "Next hop for each address.", { multiple: true }],
    [6, "Link Utilization", "R", "INTEGER", "Share of the link in use.", { units: "%", range: "0..100" }],
    [7, "APN", "R", "STRING", "Access point names.", { multiple: true }],
    [8, "Cell ID", "R", "INTEGER", "Serving cell."],
    [9, "SMNC", "R", "INTEGER", "Network code of the serving cell.", { range: "0..999" }],
    [10, "SMCC", "R", "INTEGER", "Country code of the serving cell.", { range: "0..999" }],
    [11, "SignalSNR", "R", "INTEGER", "Signal-to-noise ratio.", { since: "1.1", units: "dB" }],
    [12, "LAC", "R", "INTEGER", "Location area of the serving cell.", { since: "1.2" }],
    [13, "Coverage Enhancement Level", "R", "INTEGER", "Coverage class.", { since: "1.3", range: "0..4" }],
  ],
};
