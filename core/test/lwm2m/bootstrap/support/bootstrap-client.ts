/**
 * The bootstrap side of a LwM2M client: keeps object instances, answers Discover, Delete, Write and Read as the standard says, and
 * checks its accounts at the Finish. A test bends single answers.
 */
import { encodeUtf8 } from "../../../../src/base/bytes.ts";
import { CODES, formatCode } from "../../../../src/coap/codes.ts";
import type { CoapMessage } from "../../../../src/coap/message.ts";
import { OPTIONS } from "../../../../src/coap/options.ts";
import { CORE_MODELS } from "../../../../src/lwm2m/bootstrap/account-values.ts";
import { codecFor } from "../../../../src/lwm2m/codecs/codec-table.ts";
import { formatPath, isBelow, type Lwm2mPath, parsePath } from "../../../../src/lwm2m/path.ts";
import type { ResourceValue, ScalarValue } from "../../../../src/lwm2m/resource-value.ts";
import {
  type Answer,
  type Asked,
  createScriptedDevice,
  type DeviceOptions,
  type ScriptedDevice,
} from "../../support/scripted-device.ts";
import type { BootstrapWorld } from "./bootstrap-world.ts";

export interface ClientBehaviour {
  /** LwM2M 1.0 without Discover by default where it is "1.0". */
  readonly version?: "1.0" | "1.1";
  /** Where its own account with the bootstrap server is. */
  readonly bootstrapAt?: number;
}

export interface BootstrapClient {
  readonly device: ScriptedDevice;
  /** `GET /0`, `PUT /0/1`, in order, with the Content-Format of what was written or asked for. */
  readonly steps: string[];
  /** Instances by path, resource values by id. */
  readonly held: Map<string, Readonly<Record<string, ScalarValue>>>;
  /** Before all else: `PUT /0/1` to an answer; "silence" for none. */
  bend: (step: string, asked: Asked) => Answer | "silence" | undefined;
  /** Sends a Bootstrap-Request. */
  ask(query?: string): Promise<CoapMessage>;
}

export const codeOf = ({ code }: CoapMessage): string => formatCode(code);
export const maxAgeOf = ({ options }: CoapMessage): number | undefined =>
  options.find(({ number }) => number === OPTIONS.MAX_AGE)?.value[0];

const NOTHING = new Uint8Array(0);

const recordOf = (values: readonly ResourceValue[]): Record<string, ScalarValue> =>
  Object.fromEntries(values.map(({ path, value }) => [path.slice(2).join("/"), value]));

/** @param port of the device, which is `dev-<port>` */
export function createBootstrapClient(
  world: BootstrapWorld,
  port: number,
  { version, bootstrapAt, ...options }: ClientBehaviour & DeviceOptions = {},
): BootstrapClient {
  const behaviour = { ...(version && { version }), ...(bootstrapAt !== undefined && { bootstrapAt }) };
  return bootstrapClientOn(createScriptedDevice(world, port, options), `dev-${port}`, behaviour);
}

/** Takes over the device's script. */
export function bootstrapClientOn(
  device: ScriptedDevice,
  endpoint: string,
  { version = "1.1", bootstrapAt = 0 }: ClientBehaviour = {},
): BootstrapClient {
  const steps: string[] = [];
  const bootstrapPath = formatPath([0, bootstrapAt]);
  const held: BootstrapClient["held"] = new Map([[bootstrapPath, { "0": "coap://bs.example.com", "1": true, "2": 3 }]]);

  const links = (path: Lwm2mPath): string =>
    [...held]
      .filter(([key]) => isBelow(parsePath(key), path))
      .map(([key, resources]) => {
        const isNamed = key.startsWith("/0/") && resources["1"] !== true;
        return `<${key}>${isNamed ? `;ssid=${resources["10"]}` : ""}`;
      })
      .join(",");

  function remove(path: Lwm2mPath): Answer {
    const gone = [...held.keys()].filter(key => key !== bootstrapPath && isBelow(parsePath(key), path));
    for (const key of gone) held.delete(key);
    return { code: gone.length > 0 ? CODES.DELETED : CODES.NOT_FOUND };
  }

  function write(path: Lwm2mPath, { contentFormat, payload }: Asked): Answer {
    const values = codecFor(contentFormat!).decode(payload, { path, models: CORE_MODELS, nowMs: 0 });
    held.set(formatPath(path), recordOf(values));
    return { code: CODES.CHANGED };
  }

  function read(path: Lwm2mPath, accept: number): Answer {
    const values = [...held].flatMap(([key, resources]) =>
      isBelow(parsePath(key), path)
        ? Object.entries(resources).map(([id, value]): ResourceValue => {
            const at = parsePath(`${key}/${id}`);
            return { path: at, type: CORE_MODELS.resource(at[0]!, at[2]!)!.dataType!, value };
          })
        : [],
    );
    const payload = codecFor(accept).encode(values, { path, models: CORE_MODELS, nowMs: 0 });
    return values.length > 0 ? { code: CODES.CONTENT, contentFormat: accept, payload } : { code: CODES.NOT_FOUND };
  }

  /** One account with a server at least, each with its Server instance, and one account with a bootstrap server. */
  function isConsistent(): boolean {
    const accounts = [...held].filter(([key]) => key.startsWith("/0/")).map(([, account]) => account);
    const servers = [...held].filter(([key]) => key.startsWith("/1/")).map(([, account]) => account);
    const named = accounts.filter(account => account["1"] === false);
    return (
      named.length > 0 &&
      accounts.length - named.length === 1 &&
      named.every(account => servers.some(server => server["0"] === account["10"])) &&
      servers.every(server => ["0", "1", "6", "7"].every(id => id in server))
    );
  }

  function answer(asked: Asked): Answer {
    if (asked.path === "/bs") return { code: isConsistent() ? CODES.CHANGED : CODES.NOT_ACCEPTABLE };
    const path = parsePath(asked.path);
    switch (asked.method) {
      case "DELETE":
        return remove(path);
      case "PUT":
        return write(path, asked);
      case "GET":
        if (asked.accept !== 40)
          return version === "1.0" ? { code: CODES.METHOD_NOT_ALLOWED } : read(path, asked.accept!);
        if (version === "1.0") return { code: CODES.METHOD_NOT_ALLOWED };
        return { code: CODES.CONTENT, contentFormat: 40, payload: encodeUtf8(`</>;lwm2m=${version},${links(path)}`) };
      default:
        return { code: CODES.METHOD_NOT_ALLOWED };
    }
  }

  const client: BootstrapClient = {
    device,
    steps,
    held,
    bend: () => undefined,
    ask: (query = `ep=${endpoint}`) =>
      device.send("POST", "/bs", { query: query === "" ? [] : query.split("&"), payload: NOTHING }),
  };
  device.script = asked => {
    const step = `${asked.method} ${asked.path}`;
    const format = asked.contentFormat ?? asked.accept;
    steps.push(format === undefined ? step : `${step} ${format}`);
    const bent = client.bend(step, asked);
    return bent === "silence" ? undefined : (bent ?? answer(asked));
  };
  return client;
}
