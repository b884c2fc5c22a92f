/** The host itself: what people reach, where it keeps things, what the first start makes. */
import type { Options } from "../option.ts";
import { address, bytes, count, flag, MIB, port } from "./forms.ts";

export const http = {
  host: address("127.0.0.1", "Address that the REST API listens on; 0.0.0.0 for all"),
  port: port(8068, "TCP port of the REST API; 0 takes any free one", ["server.port"]),
  maxBodyBytes: bytes(MIB, 64 * MIB, "Largest JSON body"),
  maxUploadBytes: bytes(10 * MIB, 256 * MIB, "Largest uploaded file: bulk CSV, DDF"),
  maxBinaryBytes: bytes(50 * MIB, 1024 * MIB, "Largest binary, such as a firmware"),
  publicHealth: flag(true, "Whether the health of the agent is shown without a login", [
    "c8y.lwm2m.rest.publicHealthEndpoint",
  ]),
} as const satisfies Options;

export const data = {
  dir: { type: "text", default: "./data", description: "Directory of the embedded store; made when missing" },
} as const satisfies Options;

export const store = {
  engine: {
    type: "text",
    short: "store",
    default: "sqlite",
    pattern: /^(?:sqlite$|mongodb(?:\+srv)?:\/\/.)/,
    rule: "must be sqlite or a mongodb:// URL",
    secret: true,
    description: "The embedded store, or the URL of a MongoDB database",
  },
  cachedObjects: count(100_000, 10_000_000, "Managed objects kept in memory: best as many as there are devices"),
} as const satisfies Options;

export const tenant = {
  id: {
    type: "text",
    short: "tenant",
    default: "t1",
    pattern: /^[a-z][a-z0-9]{0,31}$/,
    rule: "must be up to 32 lower-case letters and digits, a letter first",
    description: "First tenant",
  },
} as const satisfies Options;

export const admin = {
  user: {
    type: "text",
    default: "admin",
    pattern: /^[^\s:/\\]{1,64}$/,
    rule: "must be up to 64 characters without blanks, colon and slash",
    description: "Administrator of the first tenant",
  },
  password: {
    type: "text",
    pattern: /^.{8,256}$/su,
    rule: "must have 8 to 256 characters",
    secret: true,
    description: "Password of that administrator; without one the first start makes and prints one",
  },
} as const satisfies Options;

export const log = {
  level: {
    type: "text",
    default: "info",
    values: ["debug", "info", "warn", "error", "silent"],
    description: "Least important lines that are written",
  },
} as const satisfies Options;

export const demo = {
  enabled: { ...flag(false, "Starts simulated devices"), short: "demo" },
} as const satisfies Options;
