/** Where the host is and who asks: from options, else from the environment, the password else from the keyboard. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { Login } from "./client.ts";
import { type CliCall, CliError, type CliOption, EXIT } from "./command.ts";
import type { CliIo } from "./io.ts";

export const LOGIN_OPTIONS: Readonly<Record<string, CliOption>> = {
  url: { type: "string", value: "<url>", summary: "Of the host; MOORING_URL, default http://127.0.0.1:8068" },
  user: {
    type: "string",
    value: "<user>",
    summary: "User, as tenant/user where there are several tenants; MOORING_USER, default admin",
  },
  password: {
    type: "string",
    value: "<password>",
    summary: "Its password; better MOORING_PASSWORD, as arguments can be seen by others. Asked for where there is none",
  },
};

const DEFAULT_URL = "http://127.0.0.1:8068";
const DEFAULT_USER = "admin";

async function askPassword({ input, errors }: CliIo, user: string): Promise<string> {
  errors.write(`Password of ${user}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input, output: silent, terminal: true });
  try {
    return await reader.question("");
  } finally {
    reader.close();
    errors.write("\n");
  }
}

/** @throws CliError */
export async function readLogin({ text }: Pick<CliCall, "text">, io: CliIo): Promise<Login> {
  const { env } = io;
  const url = text("url") ?? (env["MOORING_URL"] || DEFAULT_URL);
  const isHttp = URL.canParse(url) && ["http:", "https:"].includes(new URL(url).protocol);
  if (!isHttp) throw new CliError(EXIT.usage, `"${url}" is no address of a host such as ${DEFAULT_URL}`);
  const user = text("user") ?? (env["MOORING_USER"] || DEFAULT_USER);
  const given = text("password") ?? env["MOORING_PASSWORD"];
  if (given === undefined && !io.isInputTerminal) {
    throw new CliError(EXIT.usage, "there is no password: set MOORING_PASSWORD");
  }
  return { url, user, password: given ?? (await askPassword(io, user)) };
}
