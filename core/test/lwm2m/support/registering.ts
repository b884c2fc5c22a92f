/** What tests of registrations ask. */
import { formatCode } from "../../../src/coap/codes.ts";
import { formatPath } from "../../../src/lwm2m/path.ts";
import type { Lwm2mWorld } from "./lwm2m-world.ts";
import type { ScriptedDevice, SendOptions } from "./scripted-device.ts";

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
/** Object links of a registration. */
export const paths = (world: Lwm2mWorld, endpoint: string): string[] | undefined =>
  world.server.registrations.byEndpoint(endpoint)?.objectLinks.map(({ path }) => formatPath(path));

export async function codeOf(
  device: ScriptedDevice,
  method: "POST" | "DELETE" | "PUT",
  path: string,
  options?: SendOptions,
) {
  return formatCode((await device.send(method, path, options)).code);
}
