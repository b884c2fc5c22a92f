/** The `mooring` command line as its users start it. */
import { join } from "node:path";
import { type Host, root } from "./host.ts";
import { startProcess, type TestProcess } from "./process.ts";

export interface MooringProcess extends TestProcess {
  stdout(): string;
}

/** Logged in as the host's administrator. */
export function startMooring(
  { http, admin }: Pick<Host, "http" | "admin">,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): MooringProcess {
  const output: Buffer[] = [];
  const login = {
    MOORING_URL: http,
    MOORING_USER: `${admin.tenant}/${admin.user}`,
    MOORING_PASSWORD: admin.password,
  };
  const started = startProcess({
    name: "mooring",
    command: process.execPath,
    args: [join(root, "sdk/bin/mooring.mjs"), ...args],
    cwd: root,
    env: { ...login, ...env },
    onOutput: bytes => void output.push(bytes),
  });
  return Object.assign(started, { stdout: () => Buffer.concat(output).toString() });
}

/** Runs to the end without input. */
export async function runMooring(host: Pick<Host, "http" | "admin">, args: readonly string[]) {
  const started = startMooring(host, args);
  started.end();
  const { code } = await started.ended;
  return { code, output: started.stdout(), lines: started.lines };
}
