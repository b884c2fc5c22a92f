/** `mooring device send`: a payload as a device would send it. */
import { type Lwm2mPath, MooringError, parsePath } from "@mooring/core";
import { fromHex } from "@mooring/core/internal/base/bytes.ts";
import { openSimulatedDevice } from "../../harness/simulated-device.ts";
import { coapAddress, DEFAULT_COAP } from "../coap-address.ts";
import { type CliCommand, CliError, EXIT } from "../command.ts";
import { next } from "../decoder/folder.ts";
import { say } from "../io.ts";

/** @throws CliError */
function resourceOf(text: string): Lwm2mPath {
  let path: Lwm2mPath = [];
  try {
    path = parsePath(text);
  } catch {
    // Said below, as for a path of another length.
  }
  if (path.length === 3) return path;
  throw new CliError(EXIT.usage, `"${text}" must be the path of a resource, such as /33456/0/123`);
}

/** Says what to do where the host does not answer, or not as it should. @throws CliError */
async function explained(endpoint: string, to: string, send: () => Promise<void>): Promise<void> {
  try {
    await send();
  } catch (cause) {
    if (!(cause instanceof MooringError)) throw cause;
    const hint =
      cause.code === "CONFLICT"
        ? `npx mooring device add ${endpoint}, if the host does not know it; npx mooring explain ${endpoint} tells what it saw`
        : `${to} does not answer: is the host there, and is that its port for devices without security?`;
    throw new CliError(EXIT.host, `${cause.message}\n${hint}`, { cause });
  }
}

/** @throws CliError naming the payload */
function bytesOf(payload: string): Uint8Array {
  try {
    return fromHex(payload.replace(/\s/g, ""));
  } catch (cause) {
    throw new CliError(EXIT.usage, `payload "${payload}" must be bytes in hexadecimal, two digits each`, { cause });
  }
}

export const deviceSendCommand: CliCommand = {
  name: "device send",
  usage: "<endpoint> <path> <payload>...",
  summary: "Sends payloads to a host as a simulated device: registers, sends, de-registers",
  notes: [
    "<path> is that of an opaque resource, /33456/0/123; <payload> is in hexadecimal. Needs no login: it speaks LwM2M, over UDP without security.",
    'The endpoint must be known to the host ("mooring device add").',
  ],
  options: {
    to: {
      type: "string",
      value: "<uri>",
      summary: `The host's port for devices; MOORING_COAP, default ${DEFAULT_COAP}`,
    },
  },
  arguments: [3, 1000],

  async run({ args, text, io }) {
    const [endpoint, resource, ...payloads] = args as [string, string, ...string[]];
    const path = resourceOf(resource);
    const values = payloads.map(bytesOf);
    const to = text("to") ?? (io.env["MOORING_COAP"] || DEFAULT_COAP);
    const host = coapAddress(to);
    await explained(endpoint, to, async () => {
      await using device = await openSimulatedDevice({ host, endpoint, instances: [`/${path[0]}/${path[1]}`] });
      for (const value of values) await device.send(`/${path.join("/")}`, value);
    });
    say(io.output, `${endpoint}: ${values.length} sent, and stored by the host`);
    say(io.output, next(`npx mooring device data ${endpoint}`));
    return EXIT.ok;
  },
};
