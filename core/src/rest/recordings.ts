/** `/service/lwm2m-agent/recording/{deviceId}`: recordings of a device's messages; path and bodies are ours. */
import type { RecordingServices } from "../agent/recordings.ts";
import { attachment } from "./attachment.ts";
import {
  answerNothing,
  answerPlain,
  createRouter,
  may,
  optionalBody,
  type RestLimits,
  type RestRouter,
  tenantOf,
} from "./context.ts";

const PATH = "/service/lwm2m-agent/recording/:deviceId";
const PCAPNG = "application/vnd.tcpdump.pcap";

export interface RecordingsRouterParts {
  readonly recordings: RecordingServices;
  readonly limits: RestLimits;
}

export function recordingsRouter({ recordings, limits }: RecordingsRouterParts): RestRouter {
  const router = createRouter();
  const deviceOf = (ctx: { readonly params: Readonly<Record<string, string>> }): string => ctx.params["deviceId"]!;

  router.put(PATH, may("operation:write"), async ctx => {
    const body = await optionalBody(ctx, limits);
    answerPlain(ctx, 200, await recordings.start(tenantOf(ctx), deviceOf(ctx), body));
  });
  router.get(PATH, may("operation:read"), async ctx => {
    answerPlain(ctx, 200, await recordings.status(tenantOf(ctx), deviceOf(ctx)));
  });
  router.post(`${PATH}/stop`, may("operation:write"), async ctx => {
    answerPlain(ctx, 200, await recordings.stop(tenantOf(ctx), deviceOf(ctx)));
  });
  router.get(`${PATH}/pcapng`, may("operation:read"), async ctx => {
    const { name, bytes } = await recordings.file(tenantOf(ctx), deviceOf(ctx));
    ctx.status = 200;
    ctx.set("Content-Type", PCAPNG);
    ctx.set("Content-Disposition", attachment(name));
    ctx.body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  });
  router.delete(PATH, may("operation:write"), async ctx => {
    await recordings.remove(tenantOf(ctx), deviceOf(ctx));
    answerNothing(ctx);
  });
  return router;
}
