/** A host that is a function, and a terminal that is memory. */
import { PassThrough, Writable } from "node:stream";
import type { CliIo } from "../../src/cli/io.ts";

export interface FakeOperation {
  readonly text: string;
  /** What the polls see, one after the other; the last one stays. */
  readonly states: readonly Readonly<Record<string, unknown>>[];
}

export interface FakeHost {
  readonly fetch: typeof fetch;
  /** `GET /inventory/managedObjects/7` */
  readonly asked: string[];
  /** Texts that were sent, of all requests with one. */
  readonly bodies: string[];
  /** Texts of the operations that were made. */
  readonly commands: string[];
  /** Answers by request; a function is asked each time. */
  readonly routes: Map<
    string,
    { readonly status?: number; readonly body: unknown } | (() => { readonly body: unknown })
  >;
  /** What becomes of a command. */
  run(text: string): readonly Readonly<Record<string, unknown>>[];
}

const OPERATIONS = "/devicecontrol/operations";

export const OBJECTS = {
  deviceId: "7",
  endpoint: "dev",
  registered: true,
  awake: true,
  lwm2mVersion: "1.1",
  objects: [
    {
      id: 3,
      name: "Device",
      instances: [0],
      resources: [
        { id: 0, name: "Manufacturer", operations: "R", multiple: false, type: "STRING" },
        { id: 13, name: "Current Time", operations: "RW", multiple: false, type: "TIME" },
      ],
    },
    {
      id: 3303,
      name: "Temperature",
      instances: [0, 1],
      resources: [{ id: 5700, name: "Sensor Value", operations: "R", multiple: false, type: "FLOAT", units: "Cel" }],
    },
  ],
};

export function createFakeHost(): FakeHost {
  const polls = new Map<string, { readonly text: string; at: number }>();
  const host: FakeHost = {
    asked: [],
    bodies: [],
    commands: [],
    routes: new Map<string, { readonly status?: number; readonly body: unknown }>([
      ["GET /inventory/managedObjects/7", { body: { id: "7", name: "LWM2M ACME dev" } }],
      ["GET /identity/externalIds/c8y_Id/dev", { body: { managedObject: { id: "7" } } }],
      ["GET /service/lwm2m-agent/v1/device/7/objects", { body: OBJECTS }],
    ]),
    run: text => [{ status: "SUCCESSFUL", c8y_Command: { text, result: "2.04 Changed" } }],
    async fetch(input, init) {
      const { pathname } = new URL(String(input));
      const asked = `${init?.method} ${pathname}`;
      host.asked.push(asked);
      if (typeof init?.body === "string") host.bodies.push(init.body);
      const route = host.routes.get(asked);
      const { status = 200, body } = route
        ? { status: 200, ...(typeof route === "function" ? route() : route) }
        : operation(asked, init);
      return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    },
  };

  function operation(
    asked: string,
    init: RequestInit | undefined,
  ): { readonly status?: number; readonly body: unknown } {
    if (asked === `POST ${OPERATIONS}`) {
      const { c8y_Command } = JSON.parse(String(init!.body)) as { c8y_Command: { text: string } };
      host.commands.push(c8y_Command.text);
      const id = String(100 + host.commands.length);
      polls.set(id, { text: c8y_Command.text, at: 0 });
      return { status: 201, body: { id, status: "PENDING", c8y_Command } };
    }
    const id = asked.split("/").at(-1)!;
    const poll = polls.get(id);
    if (!asked.startsWith(`GET ${OPERATIONS}/`) || !poll) return { status: 404, body: { message: "not found" } };
    const states = host.run(poll.text);
    const state = states[Math.min(poll.at++, states.length - 1)]!;
    return { body: { id, ...state } };
  }
  return host;
}

export interface FakeIo {
  readonly io: CliIo;
  readonly input: PassThrough;
  readonly output: () => string;
  readonly errors: () => string;
  /** Resolves when both together, as they came, look like this. */
  shows(wanted: RegExp): Promise<void>;
  /** ms that were waited for. */
  readonly waitedMs: () => number;
}

/** Time passes by waiting alone. */
export function createFakeIo(host: Pick<FakeHost, "fetch">, more: Partial<CliIo> = {}): FakeIo {
  let screen = "";
  const watchers = new Set<{ readonly wanted: RegExp; seen(): void }>();
  const look = (): void => {
    for (const watcher of watchers) {
      if (!watcher.wanted.test(screen)) continue;
      watchers.delete(watcher);
      watcher.seen();
    }
  };
  const collect = () => {
    let text = "";
    const stream = new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        screen += String(chunk);
        look();
        done();
      },
    });
    return { stream, text: () => text };
  };
  const [output, errors, input] = [collect(), collect(), new PassThrough()];
  let nowMs = 0;
  const shows = (wanted: RegExp): Promise<void> =>
    new Promise(seen => {
      watchers.add({ wanted, seen });
      look();
    });
  const io: CliIo = {
    env: { MOORING_PASSWORD: "secret", MOORING_HISTORY: "" },
    input,
    output: output.stream,
    errors: errors.stream,
    isInputTerminal: false,
    isOutputTerminal: false,
    fetch: host.fetch,
    now: () => nowMs,
    async pause(ms, signal) {
      nowMs += ms;
      await new Promise(resolve => setImmediate(resolve));
      signal?.throwIfAborted();
    },
    ...more,
  };
  return { io, input, output: output.text, errors: errors.text, shows, waitedMs: () => nowMs };
}
