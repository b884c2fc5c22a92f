/** `mooring protocol map`: what shall become of a resource. */
import { type Client, withHints } from "../client.ts";
import { type CliCommand, CliError, EXIT } from "../command.ts";
import { next } from "../decoder/folder.ts";
import { say } from "../io.ts";

/** @throws CliError */
function resourceOf(path: string): { readonly objectId: number; readonly resourceId: number } {
  const found = /^\/(\d{1,5})\/(?:\d{1,5}|\*)\/(\d{1,5})$/.exec(path);
  if (!found) throw new CliError(EXIT.usage, `"${path}" must be the path of a resource, such as /33456/*/123`);
  return { objectId: Number(found[1]), resourceId: Number(found[2]) };
}

/** @throws CliError */
function mappingOf(action: string, unit: string | undefined): Readonly<Record<string, unknown>> {
  if (action.includes(":")) return { customAction: { type: null, actionName: action } };
  const at = action.lastIndexOf(".");
  if (at < 1 || at === action.length - 1) {
    const forms = "an action such as decoder:acme-meter, or a measurement such as c8y_Temperature.T";
    throw new CliError(EXIT.usage, `"${action}" must be ${forms}`);
  }
  const measurement = { type: action.slice(0, at), series: action.slice(at + 1) };
  return { measurementCreation: { ...measurement, ...(unit !== undefined && { unit }) } };
}

const ACTIONS = "/service/lwm2m-agent/mappingActions/resourceactions";

/** The host takes any name, for what it means may come later; a person who types one wants it now. @throws CliError */
async function checkAction(client: Client, action: string): Promise<void> {
  const rows = await client.get<readonly { readonly name: string; readonly args: readonly string[] }[]>(ACTIONS);
  const names = rows.flatMap(({ name, args }) => (args.length === 0 ? [name] : args.map(arg => `${name}:${arg}`)));
  if (names.includes(action)) return;
  const [, key] = /^decoder:(.*)$/.exec(action) ?? [];
  throw new CliError(
    EXIT.usage,
    key === undefined
      ? `there is no action ${action}; there are ${names.join(", ")}`
      : `there is no decoder ${key}: npx mooring decoder deploy uploads it, npx mooring decoder list shows all`,
  );
}

const NO_OBJECT = { 404: "npx mooring protocol upload <object file> tells the host of it" };

export const protocolMapCommand: CliCommand = {
  name: "protocol map",
  usage: "<path> <action>",
  summary: "Says what shall become of a resource: a decoder's input, another action, or a measurement",
  notes: [
    "<path> is that of a resource of all instances, quoted because of the star: '/33456/*/123'. <action> is decoder:<key>, another custom",
    "action, or <type>.<series> for a measurement. The resource is observed. The host must know the object (mooring protocol upload).",
  ],
  options: {
    unit: { type: "string", value: "<unit>", summary: "Of a measurement" },
    "no-observe": { type: "boolean", summary: "The host does not observe the resource: the device sends it by itself" },
  },
  fields: {
    "*.measurementCreation.unit": "--unit",
    "*.measurementCreation.type": "<action>",
    "*.measurementCreation.series": "<action>",
    "*.customAction.actionName": "<action>",
  },
  arguments: [2, 2],

  async run({ args, text, flag, connect, io }) {
    const [resource, action] = args as [string, string];
    const { objectId, resourceId } = resourceOf(resource);
    const mapping = mappingOf(action, text("unit"));
    const client = await connect();
    if ("customAction" in mapping) await checkAction(client, action);
    const observed = flag("no-observe") ? {} : { observeParameters: { autoObserve: true } };
    const body = { [resourceId]: { resourceID: resourceId, ...mapping, ...observed } };
    const path = `/service/lwm2m-agent/objectResourceMappings/${objectId}/add`;
    await withHints(NO_OBJECT, () => client.put(path, body));
    say(io.output, `/${objectId}/*/${resourceId}: ${action}`);
    say(
      io.output,
      next(
        "npx mooring device add <endpoint>, if the host does not know your device",
        `npx mooring device send <endpoint> /${objectId}/0/${resourceId} <payload>`,
      ),
    );
    return EXIT.ok;
  },
};
