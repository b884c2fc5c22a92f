/** A MQTT broker on a port of its own that can be made to fail. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { takePort } from "../../../test/harness/ports.ts";

export interface TestBroker extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Payloads on `lwm2m/data`, as they came. */
  readonly received: readonly string[];
  readonly connections: number;
  /** User and password of the last connection. */
  readonly login: string | undefined;
  /** Takes no acknowledgement back while set. */
  silent: boolean;
  /** Resolves when so many have been received. */
  until(count: number): Promise<void>;
  /** Cuts all connections. */
  cut(): void;
}

/** @param port of a broker before; absent: a new one */
export async function openBroker(port?: number): Promise<TestBroker> {
  const taken = port ?? (await takePort());
  const broker = await Aedes.createBroker();
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<{ readonly count: number; readonly reached: PromiseWithResolvers<void> }>();
  let [connections, silent] = [0, false];
  let login: string | undefined;
  broker.authenticate = (_client, user, password, done) => {
    login = user === undefined ? undefined : `${user}:${password ?? ""}`;
    done(null, true);
  };
  broker.authorizePublish = (_client, { topic, payload, qos }, done) => {
    if (topic === "lwm2m/data" && qos === 1) received.push(payload.toString());
    for (const { count, reached } of waiting) if (received.length >= count) reached.resolve();
    if (!silent) done();
  };
  const server = createServer(socket => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    broker.handle(socket);
  });
  server.listen(taken, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: taken,
    url: `mqtt://127.0.0.1:${taken}`,
    received,
    get connections() {
      return connections;
    },
    get login() {
      return login;
    },
    get silent() {
      return silent;
    },
    set silent(value) {
      silent = value;
    },
    async until(count) {
      if (received.length >= count) return;
      const reached = Promise.withResolvers<void>();
      waiting.add({ count, reached });
      await reached.promise;
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await new Promise<void>(resolve => broker.close(resolve));
    },
  };
}
