/** Shell commands of the connector device (agent specification 17): one after the other in each tenant, the outcome in the operation. */
import type { Clock } from "../base/clock.ts";
import { MooringError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Fragments, Operation, Platform } from "../platform/platform.ts";
import type { ConnectorDevices } from "./connector-device.ts";
import { createOperationStatus } from "./operation-status.ts";
import { createTenantLocks } from "./tenant-locks.ts";

/** What a command does. @returns the text of the result. @throws MooringError with the reason of its failure */
export type ConnectorCommand = (tenant: string, args: readonly string[]) => Promise<string>;

export interface ConnectorCommandsParts {
  readonly platform: Pick<Platform, "operations">;
  readonly connectors: Pick<ConnectorDevices, "isConnector" | "find">;
  readonly clock: Clock;
  readonly log: Log;
  /** By name, each with its arguments as `help` shows them. */
  readonly commands: ReadonlyMap<string, { readonly usage: string; readonly run: ConnectorCommand }>;
  /** How long a command waits for those before it. */
  readonly lockTimeoutMs: number;
  /** Operations of the connector device that another part works on. */
  isForeign(operation: Operation): boolean;
}

export interface ConnectorCommands extends AsyncDisposable {
  /** A new operation is stored; those of other devices are passed over. */
  created(tenant: string, operation: Operation): void;
  /** Takes up what an earlier life of the host left: every command may be run twice. */
  recover(tenant: string): Promise<void>;
}

const HELP = "help";
const UNFINISHED = ["PENDING", "EXECUTING"] as const;

const commandOf = ({ fragments }: Operation): Fragments => {
  const command = fragments["c8y_Command"];
  return typeof command === "object" && command !== null ? (command as Fragments) : {};
};

export function createConnectorCommands(parts: ConnectorCommandsParts): ConnectorCommands {
  const { platform, connectors, clock, log, commands } = parts;
  const { operations } = platform;
  const locks = createTenantLocks(clock, parts.lockTimeoutMs);
  const active = new Set<Promise<void>>();
  let closed = false;
  const setStatus = createOperationStatus({ operations, clock, isClosed: () => closed });

  const help = (): string => {
    const usages = [...commands.values()].map(({ usage }) => usage);
    return ["The following operations are supported:", HELP, ...usages].join("\n");
  };

  /** @throws MooringError UNSUPPORTED */
  function workOf(operation: Operation): (tenant: string) => Promise<string> {
    const { text } = commandOf(operation);
    const [name, ...args] = typeof text === "string" ? text.trim().split(/\s+/) : [""];
    if (!name) throw new MooringError("UNSUPPORTED", "the operation has no command (c8y_Command.text)");
    if (name === HELP) return async () => help();
    const command = commands.get(name);
    if (!command) throw new MooringError("UNSUPPORTED", `unknown command "${name.slice(0, 100)}". ${help()}`);
    return tenant => command.run(tenant, args);
  }

  async function finish(tenant: string, operation: Operation, work: () => Promise<string>): Promise<void> {
    const withResult = (result: string): Fragments => ({ c8y_Command: { ...commandOf(operation), result } });
    let result: string;
    try {
      result = await work();
    } catch (error) {
      const failureReason = messageOf(error);
      log.info("connector.command-failed", { tenant, operationId: operation.id, reason: failureReason });
      await setStatus(tenant, operation.id, "FAILED", { failureReason, ...withResult(failureReason) });
      return;
    }
    await setStatus(tenant, operation.id, "SUCCESSFUL", withResult(result));
  }

  async function take(tenant: string, operation: Operation): Promise<void> {
    if (parts.isForeign(operation) || !(await connectors.isConnector(tenant, operation.deviceId))) return;
    let work: (tenant: string) => Promise<string>;
    try {
      work = workOf(operation);
    } catch (error) {
      return finish(tenant, operation, () => Promise.reject(error));
    }
    await finish(tenant, operation, () =>
      locks.run(tenant, async () => {
        if (closed) throw new MooringError("CLOSED", "the host is stopping");
        await setStatus(tenant, operation.id, "EXECUTING");
        return work(tenant);
      }),
    );
  }

  function follow(tenant: string, operation: Operation): void {
    const watched = take(tenant, operation).catch(error =>
      log.error("connector.fault", { tenant, operationId: operation.id, reason: messageOf(error) }),
    );
    active.add(watched);
    void watched.then(() => active.delete(watched));
  }

  return {
    created(tenant, operation) {
      if (!closed) follow(tenant, operation);
    },
    async recover(tenant) {
      const deviceId = await connectors.find(tenant);
      if (deviceId === undefined) return;
      const page = { currentPage: 1, pageSize: 2000, withTotal: false };
      const { items } = await operations.list(tenant, { deviceId, statuses: UNFINISHED }, page);
      for (const operation of items) follow(tenant, operation);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all(active);
    },
  };
}
