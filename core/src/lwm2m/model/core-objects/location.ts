import type { ObjectTable } from "./define.ts";

/** LwM2M TS 1.0.2 appendix E.7. */
export const location: ObjectTable = {
  id: 6,
  name: "Location",
  description: "Where the device is and how it moves.",
  multiple: false,
  mandatory: false,
  versions: ["1.0"],
  rows: [
    [0, "Latitude", "R", "FLOAT", "Latitude in decimal degrees (WGS 84).", { mandatory: true, units: "lat" }],
    [1, "Longitude", "R", "FLOAT", "Longitude in decimal degrees (WGS 84).", { mandatory: true, units: "lon" }],
    [2, "Altitude", "R", "FLOAT", "Height above sea level.", { units: "m" }],
    [3, "Radius", "R", "FLOAT", "Radius of uncertainty.", { units: "m" }],
    [4, "Velocity", "R", "OPAQUE", "Velocity as 3GPP TS 23.032 encodes it."],
    [5, "Timestamp", "R", "TIME", "When the position was taken.", { mandatory: true }],
    [6, "Speed", "R", "FLOAT", "Speed over ground.", { units: "m/s" }],
  ],
};
