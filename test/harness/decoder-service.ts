/**
 * A decoder microservice as partners have them: Koa, `POST /decode`, nothing of ours. It was written from the contract's text
 * (agent specification 9.3) alone; a payload of one byte or more is a reading whose first byte is the value.
 */
import Router from "@koa/router";
import Koa, { type Context } from "koa";
import { takePort } from "./ports.ts";

/** `cumulocity.json` of the service. */
export const CUMULOCITY_MANIFEST = {
  apiVersion: "2",
  version: "1.4.0-SNAPSHOT",
  provider: { name: "Example GmbH" },
  isolation: "MULTI_TENANT",
  contextPath: "gauge-decoder",
  requiredRoles: [],
  roles: [],
  isDecoder: { name: "Gauge Decoder" },
} as const;

export interface DecodeRequest {
  readonly args: Readonly<Record<string, string>>;
  readonly sourceDeviceId: string;
  readonly serviceKey: string;
  readonly value: string;
  readonly status: string;
}

/** What it does instead of decoding. */
export type Misbehaviour = (ctx: Context) => void;

export interface DecoderService extends AsyncDisposable {
  readonly port: number;
  /** Bodies of `POST /decode` as they came. */
  readonly bodies: readonly string[];
  /** Headers of the last one. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  misbehave: Misbehaviour | undefined;
  /** What the answer to a payload waits for. */
  hold: ((payload: Buffer) => Promise<void> | undefined) | undefined;
  /** Closes the port; `start` opens the same one again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

async function textOf(ctx: Context): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function decode({ value, args }: DecodeRequest): object {
  const bytes = Buffer.from(value, "hex");
  if (bytes.length === 0) return { alarms: [], events: [], measurements: [], success: false, message: "no bytes" };
  return {
    alarms: [],
    alarmTypesToUpdate: {},
    events: [{ type: "gauge_Decoded", text: `Decoded ${args["resourcePath"]}` }],
    measurements: [
      {
        type: "gauge_Level",
        series: "gauge_Level",
        deviceFragmentPrefix: null,
        includeDeviceName: true,
        additionalProperties: { rawHex: value },
        values: [{ seriesName: "L", unit: "cm", value: bytes[0] }],
      },
    ],
    dataFragments: [],
    message: null,
    success: true,
  };
}

export async function openDecoderService(): Promise<DecoderService> {
  const bodies: string[] = [];
  let headers: DecoderService["headers"] = {};
  let server: ReturnType<Koa["listen"]>;
  const port = await takePort();
  const router = new Router();
  router.get("/health", ctx => {
    ctx.body = { status: "UP" };
  });
  router.get("/cumulocity.json", ctx => {
    ctx.body = { ...CUMULOCITY_MANIFEST, version: "1.5.0" };
  });
  router.post("/decode", async ctx => {
    const text = await textOf(ctx);
    bodies.push(text);
    headers = ctx.headers;
    if (service.misbehave) service.misbehave(ctx);
    else {
      const request = JSON.parse(text) as DecodeRequest;
      await service.hold?.(Buffer.from(request.value, "hex"));
      ctx.body = decode(request);
    }
  });
  const app = new Koa();
  // What it is made to do badly is no news.
  app.silent = true;
  app.use(router.routes());

  const service: DecoderService = {
    port,
    bodies,
    get headers() {
      return headers;
    },
    misbehave: undefined,
    hold: undefined,
    async stop() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
    async start() {
      await new Promise<void>((resolve, reject) => {
        server = app.listen(port, "127.0.0.1", resolve);
        server.once("error", reject);
      });
    },
    [Symbol.asyncDispose]: () => service.stop(),
  };
  await service.start();
  return service;
}
