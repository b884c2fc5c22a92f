/**
 * The decoder behind HTTP: `POST /decode` takes `{args: {resourcePath}, sourceDeviceId, serviceKey, value}`, value in hexadecimal, and
 * answers the decoder's result. A status of 400 and above counts as a failed call, which the host makes again later; a payload that
 * cannot be read is an answer: `{success: false, message}`.
 */
import Koa from "koa";
import decoder from "./decoder.js";

/** A payload of 64 KB, in hexadecimal, and what stands around it. */
const MAX_BODY_BYTES = 256 * 1024;

async function readBody(ctx) {
  const chunks = [];
  let length = 0;
  for await (const chunk of ctx.req) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) ctx.throw(413, `the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return ctx.throw(400, "the body is no JSON");
  }
}

function inputOf(ctx, body) {
  const { value, args, sourceDeviceId = "" } = body ?? {};
  if (typeof value !== "string" || !/^([0-9a-fA-F]{2})*$/.test(value)) {
    ctx.throw(400, "value must be bytes in hexadecimal, two digits each");
  }
  if (typeof args?.resourcePath !== "string") ctx.throw(400, "args.resourcePath is missing");
  return {
    value: new Uint8Array(Buffer.from(value, "hex")),
    valueHex: value.toLowerCase(),
    resourcePath: args.resourcePath,
    resourceType: "OPAQUE",
    receivedAt: new Date().toISOString(),
    sourceDeviceId: String(sourceDeviceId),
    device: {},
  };
}

const ROUTES = {
  "GET /health": ctx => {
    ctx.body = { status: "UP" };
  },
  "POST /decode": async ctx => {
    ctx.body = decoder.decode(inputOf(ctx, await readBody(ctx)));
  },
};

export function createService() {
  const app = new Koa();
  app.use(async ctx => {
    const route = ROUTES[`${ctx.method} ${ctx.path}`];
    try {
      if (!route) ctx.throw(404, "only GET /health and POST /decode");
      await route(ctx);
    } catch (error) {
      ctx.status = error.expose ? error.status : 500;
      ctx.body = { error: ctx.status === 500 ? "decoder/failed" : "decoder/request", message: String(error.message) };
    }
  });
  return app;
}
