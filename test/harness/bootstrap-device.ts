/** The Bootstrap interface of a device over a raw socket: keeps what the server writes in TLV, without any CoAP library's help. */
import { type TlvEntry, writtenResources } from "../simulator/tlv.ts";
import { within } from "./eventually.ts";
import { openRawDevice, type RawAnswer, type RawDevice } from "./raw-device.ts";
import { optionNumber, type Received, uriPath } from "./raw-socket.ts";

export interface BootstrapDevice extends AsyncDisposable {
  /** Its messages; requests of the Bootstrap interface are answered already. */
  readonly raw: RawDevice;
  /** `0.01 /0`, `0.03 /0/1`, in order. */
  readonly steps: string[];
  /** Resources by `/0/1/0`. */
  readonly held: Map<string, Buffer>;
  /** Before the usual answer; "silence" for none. */
  bend: (step: string, request: Received) => RawAnswer | "silence" | undefined;
  /** Bootstrap-Request. @returns its code */
  ask(query: string): Promise<string>;
  /** Resolves when the server's Finish was answered. */
  finished(withinMs?: number): Promise<void>;
}

const FINISH = "0.02 /bs";
const LINK_FORMAT = 40;

/** @param links answer to Discover; default: its own account is at /0/0 */
export async function openBootstrapDevice(
  serverPort: number,
  links = "</>;lwm2m=1.1,</0/0>",
): Promise<BootstrapDevice> {
  const raw = await openRawDevice(serverPort);
  const steps: string[] = [];
  const held = new Map<string, Buffer>();
  const waiting = new Set<() => void>();
  /** Message ids of what was met with silence: the host repeats it. */
  const silenced = new Set<number>();
  let finishes = 0;

  const isBelow = (path: string, prefix: string): boolean => path.startsWith(`${prefix}/`);
  const keep = (path: string, entries: readonly TlvEntry[]): void => {
    for (const { id, value } of entries) held.set(`${path}/${id}`, Buffer.from(value));
  };

  function usual(request: Received, path: string): RawAnswer {
    switch (request.code) {
      case "0.01":
        return optionNumber(request, "Accept") === LINK_FORMAT
          ? { code: "2.05", payload: links, contentFormat: LINK_FORMAT }
          : { code: "4.05" };
      case "0.03":
        keep(path, writtenResources(request.payload));
        return { code: "2.04" };
      case "0.04":
        for (const key of [...held.keys()]) if (isBelow(key, path)) held.delete(key);
        return { code: "2.02" };
      default:
        return { code: "2.04" };
    }
  }

  raw.socket.onMessage(request => {
    const path = uriPath(request);
    const step = `${request.code} ${path}`;
    if (!request.confirmable || !request.code.startsWith("0.") || request.code === "0.00") return false;
    if (request.code === "0.02" && step !== FINISH) return false;
    if (silenced.has(request.messageId)) return true;
    steps.push(step);
    const answer = device.bend(step, request) ?? usual(request, path);
    if (answer === "silence") silenced.add(request.messageId);
    else void raw.answer(request, answer).then(() => step === FINISH && finish());
    return true;
  });

  function finish(): void {
    finishes++;
    for (const resolve of waiting) resolve();
    waiting.clear();
  }

  const device: BootstrapDevice = {
    raw,
    steps,
    held,
    bend: () => undefined,
    ask: async query => (await raw.request({ code: "0.02", uri: `/bs?${query}` })).code,
    async finished(withinMs = 5000) {
      if (finishes > 0) {
        finishes--;
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      await within(promise, withinMs, `the Finish after ${steps.join(", ") || "nothing"}`);
      finishes--;
    },
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
  };
  return device;
}
