/** A scripted device with a Firmware Update object that does as the object's definition says, unless a test says otherwise. */
import { assert } from "chai";
import { codecFor } from "../../../../src/lwm2m/codecs/codec-table.ts";
import { createModelRegistry } from "../../../../src/lwm2m/model/model-registry.ts";
import type { ResourceValue } from "../../../../src/lwm2m/resource-value.ts";
import type { Answer, Asked, Script, ScriptedDevice } from "../../../lwm2m/support/scripted-device.ts";
import type { AgentWorld } from "../../support/agent-world.ts";

const CONTENT = 69;
const CHANGED = 68;
const CONTINUE = 95;
const BAD_REQUEST = 128;
const METHOD_NOT_ALLOWED = 133;
const INCOMPLETE = 136;
const TEXT = 0;
const TLV = 11542;

const MODELS = createModelRegistry({ managementTenant: "management" }).view("t1", new Map());

export interface FirmwareDevice {
  readonly wire: ScriptedDevice;
  /** Values of resources 3, 5, 8 and 9, and of /3/0/3. */
  state: number;
  result: number;
  protocols: readonly number[];
  method: number | undefined;
  version: string;
  /** What was written to Package URI. */
  readonly uris: string[];
  /** The last of it. */
  readonly uri: string | undefined;
  /** What was written to Package, whole. */
  readonly packages: Uint8Array[];
  /** Numbers of the blocks of packages, repetitions of a message left out. */
  readonly blocks: number[];
  /** Messages with a block that had come before. */
  repeated: number;
  /** Answers in place of the usual ones: return undefined for the usual one, "silent" for none. */
  override: (asked: Asked) => ReturnType<Script> | "silent" | undefined;
  /** Called when a package or a URI was taken, and when Update was executed; default: what a good device does. */
  onPackage: () => void;
  onUri: () => void;
  onUpdate: () => void;
  /** Sets resources and notifies observers. */
  change(change: { readonly state?: number; readonly result?: number }): void;
  /** Lets everything come to rest, notifications included. */
  settle(): Promise<void>;
  /** A new registration; what was observed is forgotten. */
  register(query?: string, links?: string): Promise<void>;
  update(): Promise<void>;
  /** `PUT /5/0/1`, without repetitions. */
  paths(): string[];
}

export function createFirmwareDevice(world: AgentWorld, endpoint: string, port = 5000): FirmwareDevice {
  const wire = world.device(port);
  const observers = new Map<string, { readonly token: Uint8Array; sequence: number }>();
  const pending: string[] = [];
  const answered = new Map<number, Answer | "ack" | undefined>();
  let body: Uint8Array[] = [];
  let location = "";

  const values = (): Readonly<Record<string, string>> => ({
    "/5/0/3": String(device.state),
    "/5/0/5": String(device.result),
    ...(device.method !== undefined && { "/5/0/9": String(device.method) }),
    "/3/0/3": device.version,
  });

  function instance(): Uint8Array {
    const at = (id: number, value: number): ResourceValue => ({ path: [5, 0, id], type: "INTEGER", value });
    const all = [
      at(3, device.state),
      at(5, device.result),
      ...device.protocols.map((value, i): ResourceValue => ({ path: [5, 0, 8, i], type: "INTEGER", value })),
      ...(device.method === undefined ? [] : [at(9, device.method)]),
    ];
    return codecFor(TLV).encode(all, { path: [5, 0], models: MODELS, nowMs: 0 });
  }

  function read({ path, observe, token }: Asked): Answer {
    if (path === "/5/0") return { code: CONTENT, contentFormat: TLV, payload: instance() };
    const value = values()[path];
    if (value === undefined) return { code: 132 };
    if (observe === 1) observers.delete(path);
    if (observe === 0) observers.set(path, { token, sequence: 2 });
    return { code: CONTENT, contentFormat: TEXT, payload: value, ...(observe === 0 && { observe: 1 }) };
  }

  function reset(): Answer {
    body = [];
    device.change({ state: 0, result: 0 });
    return { code: CHANGED };
  }

  function takePackage({ block1, payload }: Asked): Answer {
    if (!block1) {
      if (payload.length === 1 && payload[0] === 0) return reset();
      device.packages.push(payload);
      device.onPackage();
      return { code: CHANGED };
    }
    const size = 2 ** (block1.szx + 4);
    if (block1.num === 0) body = [];
    const had = body.reduce((sum, { length }) => sum + length, 0);
    device.blocks.push(block1.num);
    if (block1.num * size !== had) {
      if (block1.num * size < had) device.repeated++;
      return { code: INCOMPLETE, block1 };
    }
    if (block1.num === 0) device.change({ state: 1 });
    body.push(payload);
    if (block1.more) return { code: CONTINUE, block1 };
    device.packages.push(Uint8Array.from(body.flatMap(piece => [...piece])));
    body = [];
    device.onPackage();
    return { code: CHANGED, block1 };
  }

  function write(asked: Asked): Answer {
    if (asked.path === "/5/0/0") return takePackage(asked);
    if (asked.path !== "/5/0/1") return { code: CHANGED };
    const context = { path: [5, 0, 1], models: MODELS, nowMs: 0 };
    const uri = String(codecFor(asked.contentFormat!).decode(asked.payload, context)[0]?.value);
    device.uris.push(uri);
    if (uri === "" || uri === "\0") return reset();
    if (device.state !== 0) return { code: BAD_REQUEST };
    device.onUri();
    return { code: CHANGED };
  }

  function execute({ path }: Asked): Answer {
    if (path !== "/5/0/2" || device.state !== 2) return { code: METHOD_NOT_ALLOWED };
    device.onUpdate();
    return { code: CHANGED };
  }

  function usual(asked: Asked): Answer {
    if (asked.method === "GET") return read(asked);
    return asked.method === "PUT" ? write(asked) : execute(asked);
  }

  wire.script = asked => {
    if (answered.has(asked.messageId)) return answered.get(asked.messageId);
    const special = device.override(asked);
    if (special === "silent") return undefined;
    const answer = special ?? usual(asked);
    answered.set(asked.messageId, answer);
    return answer;
  };

  async function flush(): Promise<boolean> {
    const path = pending.shift();
    if (path === undefined) return false;
    const observer = observers.get(path);
    if (observer) {
      const { token } = observer;
      await wire.notify({ token, sequence: observer.sequence++, payload: values()[path]!, contentFormat: TEXT });
    }
    return true;
  }

  const device: FirmwareDevice = {
    wire,
    state: 0,
    result: 0,
    protocols: [0, 1, 2, 3],
    method: 2,
    version: "1.0",
    uris: [],
    get uri() {
      return device.uris.at(-1);
    },
    packages: [],
    blocks: [],
    repeated: 0,
    override: () => undefined,
    onPackage: () => device.change({ state: 2 }),
    onUri: () => device.change({ state: 1 }),
    onUpdate: () => device.change({ state: 3 }),
    change(change) {
      for (const [name, path] of [
        ["state", "/5/0/3"],
        ["result", "/5/0/5"],
      ] as const) {
        const value = change[name];
        if (value === undefined || value === device[name]) continue;
        device[name] = value;
        pending.push(path);
      }
    },
    async settle() {
      do await world.settle();
      while (await flush());
    },
    async register(query = `ep=${endpoint}&lwm2m=1.1&lt=86400`, links = '</>;ct="11542 0 42",</1/0>,</3/0>,</5/0>') {
      observers.clear();
      pending.splice(0);
      location = await wire.register(query, links);
      await device.settle();
    },
    async update() {
      const { code } = await wire.send("POST", `/rd/${location}`);
      assert.equal(code, CHANGED);
      await device.settle();
    },
    paths() {
      const ids = new Set<number>();
      const first = wire.asked.filter(({ messageId }) => !ids.has(messageId) && ids.add(messageId));
      return first.map(
        ({ method, path, observe }) => `${observe === 0 ? "OBSERVE" : observe === 1 ? "CANCEL" : method} ${path}`,
      );
    },
  };
  return device;
}
