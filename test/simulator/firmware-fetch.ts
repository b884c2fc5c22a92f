/** How a simulated device fetches firmware: HTTP and HTTPS as any client, CoAP and CoAPS block by block over the lane that it has. */
import { get } from "node:http";
import { get as getSecured } from "node:https";
import type { NamedOption } from "coap-packet";
import type { CoapLane } from "./coap-lane.ts";

/** Of 512 bytes. */
const SZX = 5;

/** The certificate of the host is its own: a device would have been told it. */
const fetchHttp = (url: URL): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? getSecured(url, { rejectUnauthorized: false }) : get(url);
    request.once("error", reject);
    request.once("response", response => {
      const chunks: Buffer[] = [];
      response.on("data", chunk => chunks.push(chunk as Buffer));
      response.once("error", reject);
      response.once("end", () =>
        response.statusCode === 200 ? resolve(Buffer.concat(chunks)) : reject(new Error(`HTTP ${response.statusCode}`)),
      );
    });
  });

function blockOption(num: number): NamedOption {
  const value = num * 16 + SZX;
  return { name: "Block2", value: Buffer.of((value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff) };
}

async function fetchCoap(url: URL, lane: CoapLane): Promise<Buffer> {
  const path = url.pathname
    .split("/")
    .filter(Boolean)
    .map((part): NamedOption => ({ name: "Uri-Path", value: Buffer.from(part) }));
  const blocks: Buffer[] = [];
  for (let num = 0; ; num++) {
    const answer = await lane.request({ code: "0.01", options: [...path, blockOption(num)] });
    if (answer?.code !== "2.05") throw new Error(`block ${num}: ${answer?.code ?? "no answer"}`);
    blocks.push(Buffer.from(answer.payload));
    const block2 = answer.options.find(({ name }) => name === "Block2")?.value;
    if (!block2 || (block2.at(-1)! & 8) === 0) return Buffer.concat(blocks);
  }
}

/** @throws TypeError ERR_INVALID_URL, Error for anything that did not come whole */
export function fetchFirmware(uri: string, lane: CoapLane): Promise<Buffer> {
  const url = new URL(uri);
  return url.protocol.startsWith("http") ? fetchHttp(url) : fetchCoap(url, lane);
}
