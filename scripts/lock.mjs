#!/usr/bin/env node
// Makes package-lock.json anew and whole. npm leaves out optional packages of other platforms when the registry in use
// does not offer them, and `npm ci` then refuses the lock file; their entries are added here from what their owners name.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const made = spawnSync("npm", ["install", "--package-lock-only", "--ignore-scripts"], { stdio: "inherit" });
if (made.status !== 0) process.exit(1);
const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const has = name =>
  Object.keys(lock.packages).some(key => key === `node_modules/${name}` || key.endsWith(`/node_modules/${name}`));
for (const owner of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    if (has(name)) continue;
    const platform =
      /(android|darwin|linux|win32|win|freebsd|openbsd|netbsd|sunos|aix)-(arm64|x64|arm|ia32|ppc64|s390x|riscv64|loong64|universal)(?:-(musl|gnu\w*|eabi|msvc))?$/.exec(
        name,
      );
    if (!platform) throw new TypeError(`${name}: no platform in its name, cannot complete the lock file`);
    const os = platform[1] === "win" ? "win32" : platform[1];
    const libc = os === "linux" ? { libc: [platform[3] === "musl" ? "musl" : "glibc"] } : {};
    const cpu = platform[2] === "universal" ? {} : { cpu: [platform[2]] };
    lock.packages[`node_modules/${name}`] = { version, ...cpu, optional: true, os: [os], ...libc };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
