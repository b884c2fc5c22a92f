/** `mooring device add`: a device that may register without security. */
import { type CliCommand, EXIT } from "../command.ts";
import { next } from "../decoder/folder.ts";
import { say } from "../io.ts";

export const deviceAddCommand: CliCommand = {
  name: "device add",
  usage: "<endpoint>",
  summary: "Lets a device register without security: for a simulated one, or in a network that you trust",
  notes: [
    "<endpoint> is the name that it registers with. Devices with keys: README, POST /service/lwm2m-agent/deviceRegistration.",
  ],
  options: {},
  fields: { endpointId: "<endpoint>" },
  arguments: [1, 1],

  async run({ args, connect, io }) {
    const endpointId = args[0]!;
    const client = await connect();
    const body = { endpointId, serverSecurity: { securityMode: "NO_SEC" } };
    const { id } = await client.post<{ readonly id: string }>("/service/lwm2m-agent/deviceRegistration", body);
    say(io.output, `${endpointId}: may register; managed object ${id}`);
    say(io.output, next(`npx mooring device send ${endpointId} <path> <payload in hexadecimal>`));
    return EXIT.ok;
  },
};
