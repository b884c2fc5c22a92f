/** An agent world with one scripted device `dev` that is told commands. */
import type { OperationStatus } from "../../../src/platform/platform.ts";
import type { ScriptedDevice } from "../../lwm2m/support/scripted-device.ts";
import { type AgentWorld, createAgentWorld, type WorldOptions } from "./agent-world.ts";

/** What an operation shows. */
export interface Shown {
  readonly status: OperationStatus;
  readonly failureReason: string | undefined;
  readonly result: string | undefined;
}

export interface ShellWorld {
  readonly world: AgentWorld;
  readonly device: ScriptedDevice;
  readonly deviceId: string;
  /** @returns the registration's id */
  register(query?: string, links?: string): Promise<string>;
  /** Creates a command. @returns its id */
  command(text: string): Promise<string>;
  shown(id: string): Promise<Shown>;
  /** Creates a command and lets it run. */
  run(text: string): Promise<Shown>;
  statuses(ids: readonly string[]): Promise<OperationStatus[]>;
  /** Requests of the host: `GET /3/0`. */
  paths(): string[];
}

export async function openShellWorld(
  body: Readonly<Record<string, unknown>> = {},
  options?: WorldOptions,
): Promise<ShellWorld> {
  const world = await createAgentWorld(options);
  const { id: deviceId } = await world.make("dev", body);
  const device = world.device(5000);
  const shell: ShellWorld = {
    world,
    device,
    deviceId,
    async register(query = "ep=dev&lwm2m=1.1", links = '</>;ct="11542 0",</1/0>,</3/0>') {
      const id = await device.register(query, links);
      await world.settle();
      return id;
    },
    command: async text => (await world.command(deviceId, text)).id,
    async shown(id) {
      const { status, failureReason, fragments } = await world.operation(id);
      const { result } = (fragments["c8y_Command"] ?? {}) as { readonly result?: string };
      return { status, failureReason, result };
    },
    async run(text) {
      const id = await shell.command(text);
      await world.settle();
      return shell.shown(id);
    },
    statuses: ids => Promise.all(ids.map(async id => (await world.operation(id)).status)),
    paths: () => device.asked.map(({ method, path }) => `${method} ${path}`),
  };
  return shell;
}
