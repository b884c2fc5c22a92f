/** Garbage collection and memory figures of a Node process started with `--inspect=127.0.0.1:0`, over its inspector. */
import { once } from "node:events";

export interface MemoryUsage {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

interface Reply {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

/** The address that the process printed when it started. @throws Error when it did not */
export function inspectorAddress(lines: readonly string[]): string {
  const line = lines.find(each => each.includes("Debugger listening on ws://"));
  const address = line && /ws:\/\/\S+/.exec(line)?.[0];
  if (!address) throw new Error("the process does not listen for an inspector");
  return address;
}

/** Bytes in use after a full garbage collection. */
export async function memoryAfterCollection(address: string): Promise<MemoryUsage> {
  const socket = new WebSocket(address);
  await once(socket, "open");
  let count = 0;
  const call = async (method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Reply> => {
    const id = ++count;
    socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [event] = (await once(socket, "message")) as [{ readonly data: string }];
      const reply = JSON.parse(event.data) as Reply;
      if (reply.id === id) return reply;
    }
  };
  try {
    await call("HeapProfiler.collectGarbage");
    await call("HeapProfiler.collectGarbage");
    const reply = await call("Runtime.evaluate", { expression: "process.memoryUsage()", returnByValue: true });
    return reply.result!.result!.value as MemoryUsage;
  } finally {
    socket.close();
  }
}
