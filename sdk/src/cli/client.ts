/** A REST client of the host: JSON in and out, refusals as errors that people can read. */
import { CliError, EXIT } from "./command.ts";
import { inWords, type NameOf } from "./field-names.ts";
import type { CliIo } from "./io.ts";

export interface Login {
  readonly url: string;
  /** `tenant/user`, or the user alone where there is one tenant. */
  readonly user: string;
  readonly password: string;
}

export interface Client {
  /** @returns undefined for 404. @throws CliError */
  find<T>(path: string): Promise<T | undefined>;
  /** @throws CliError */
  get<T>(path: string): Promise<T>;
  /** @param body JSON, or a form with files. @throws CliError */
  post<T>(path: string, body: unknown): Promise<T>;
  /** @throws CliError */
  put<T>(path: string, body: unknown): Promise<T>;
  /** @throws CliError */
  delete(path: string): Promise<void>;
  /** What is no JSON. @throws CliError */
  bytes(path: string): Promise<Uint8Array>;
}

/** The host does not answer: perhaps soon again. */
export class UnreachableError extends CliError {}

/** The host understood, and does not do it. */
export class RefusedError extends CliError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(EXIT.host, message);
    this.status = status;
  }
}

/**
 * Adds to a refusal what to do about it.
 * @param hints by status
 * @throws CliError; whatever `ask` throws
 */
export async function withHints<T>(hints: Readonly<Record<number, string>>, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const hint = hints[error.status];
    throw hint === undefined ? error : new CliError(EXIT.host, `${error.message}\n${hint}`, { cause: error });
  }
}

const NOT_FOUND = 404;

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const { code, message } = (cause ?? error) as { readonly code?: string; readonly message?: string };
  return code ?? message ?? String(error);
}

/** What the host says of a refusal (platform API 2.3), its fields as the command calls them; else its first characters. */
function messageOf(text: string, nameOf: NameOf): string {
  try {
    const { message, details } = JSON.parse(text) as {
      readonly message?: unknown;
      readonly details?: { readonly field?: unknown };
    };
    const field = details?.field;
    if (typeof message === "string") return typeof field === "string" ? inWords(message, field, nameOf) : message;
  } catch {
    // Something else answers there than a host.
  }
  return text.slice(0, 200);
}

const isJson = (body: unknown): boolean => body !== undefined && !(body instanceof FormData);

/** @param nameOf how the command calls what the host refuses */
export function createClient(
  { url, user, password }: Login,
  io: Pick<CliIo, "fetch">,
  nameOf: NameOf = () => undefined,
): Client {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

  async function ask<T>(
    [method, path, body]: readonly [method: string, path: string, body?: unknown],
    read: (answer: Response) => Promise<T>,
  ): Promise<{ status: number; content: T }> {
    try {
      const answer = await io.fetch(new URL(path, url), {
        method,
        headers: {
          authorization,
          accept: "application/json",
          ...(isJson(body) && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: isJson(body) ? JSON.stringify(body) : (body as FormData) }),
      });
      return { status: answer.status, content: await read(answer) };
    } catch (cause) {
      throw new UnreachableError(EXIT.host, `${url} does not answer: ${reasonOf(cause)}`, { cause });
    }
  }

  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const { status, content } = await ask([method, path, body], answer => answer.text());
    return { status, text: content };
  }

  function assertGood(status: number, text: string): void {
    if (status < 400) return;
    const message = messageOf(text, nameOf);
    if (status === 401) throw new CliError(EXIT.host, `${url} refuses the login of ${user}: ${message}`);
    if (status === 503) throw new UnreachableError(EXIT.host, `${url} is busy: ${message}`);
    throw new RefusedError(status, `${url} refuses (${status}): ${message}`);
  }

  function read<T>(status: number, text: string): T {
    assertGood(status, text);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new CliError(EXIT.host, `${url} answers no JSON: is it a host?`, { cause });
    }
  }

  return {
    async find(path) {
      const { status, text } = await call("GET", path);
      return status === NOT_FOUND ? undefined : read(status, text);
    },
    async get(path) {
      const { status, text } = await call("GET", path);
      return read(status, text);
    },
    async post(path, body) {
      const { status, text } = await call("POST", path, body);
      return read(status, text);
    },
    async put(path, body) {
      const { status, text } = await call("PUT", path, body);
      return read(status, text);
    },
    async delete(path) {
      const { status, text } = await call("DELETE", path);
      assertGood(status, text);
    },
    async bytes(path) {
      const { status, content } = await ask(["GET", path], async answer => new Uint8Array(await answer.arrayBuffer()));
      assertGood(status, new TextDecoder().decode(content.subarray(0, 1000)));
      return content;
    },
  };
}
