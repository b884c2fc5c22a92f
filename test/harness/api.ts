/** A small REST client for tests: every status is an answer, nothing throws but a broken connection. */
import type { Host } from "./host.ts";

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
}

export interface Api {
  /** Value of the Authorization header, for a request that this client cannot make. */
  readonly authorization: string;
  get<T = Record<string, unknown>>(path: string): Promise<Answer<T>>;
  /** A `FormData` body is sent as multipart, anything else as JSON. */
  post<T = Record<string, unknown>>(path: string, body?: unknown): Promise<Answer<T>>;
  put<T = Record<string, unknown>>(path: string, body: unknown): Promise<Answer<T>>;
  del<T = Record<string, unknown>>(path: string): Promise<Answer<T>>;
}

/** What the client needs to know of a host. */
export type ApiTarget = Pick<Host, "http" | "admin">;

/** JSON where it is JSON, else the text itself, so that a failing assertion shows it. */
function parse(text: string): unknown {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return text;
  }
}

/** The host's REST API as its administrator (Basic authentication, platform API 3.1). */
export function api(target: ApiTarget): Api {
  const { tenant, user, password } = target.admin;
  const authorization = `Basic ${Buffer.from(`${tenant}/${user}:${password}`).toString("base64")}`;
  const call = async <T>(method: string, path: string, body?: unknown): Promise<Answer<T>> => {
    const isJson = body !== undefined && !(body instanceof FormData);
    const answer = await fetch(new URL(path, target.http), {
      method,
      headers: {
        authorization,
        accept: "application/json",
        ...(isJson ? { "content-type": "application/json" } : {}),
      },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as FormData) }),
    });
    return { status: answer.status, body: parse(await answer.text()) as T, headers: answer.headers };
  };
  return {
    authorization,
    get: path => call("GET", path),
    post: (path, body) => call("POST", path, body),
    put: (path, body) => call("PUT", path, body),
    del: path => call("DELETE", path),
  };
}
