/** A port for devices without security, as an option names it. */
import { CliError, EXIT } from "./command.ts";

export const DEFAULT_COAP = "coap://127.0.0.1:5783";

/** @throws CliError */
export function coapAddress(to: string): { readonly address: string; readonly port: number } {
  const found = /^coap:\/\/(\[[\da-f:.]+\]|[^:/[\]]+):(\d{1,5})\/?$/i.exec(to);
  if (!found) throw new CliError(EXIT.usage, `--to "${to}" must be like ${DEFAULT_COAP}`);
  return { address: found[1]!.replace(/^\[|\]$/g, ""), port: Number(found[2]) };
}
