/** The CoAP endpoint against the npm `coap` package over loopback UDP, in both roles. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSystemRandom } from "@mooring/core/internal/base/random.ts";
import type { CoapEndpoint, EndpointParts, Notification, Observation } from "@mooring/core/internal/coap/endpoint.ts";
import { createCoapEndpoint } from "@mooring/core/internal/coap/endpoint.ts";
import type { CoapRequest } from "@mooring/core/internal/coap/request.ts";
import { DEFAULT_TRANSMISSION } from "@mooring/core/internal/coap/transmission.ts";
import type { Peer } from "@mooring/core/internal/transport/transport.ts";
import { openUdpTransport } from "@mooring/core/internal/transport/udp/udp-transport.ts";
import { assert } from "chai";
import coap from "coap";

const EMPTY = new Uint8Array(0);
const body = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

async function openEndpoint(
  onRequest: EndpointParts["onRequest"],
  codec: "builtin" | "coap-packet",
): Promise<CoapEndpoint & { port: number; close(): Promise<void> }> {
  const transport = await openUdpTransport({ host: "127.0.0.1", port: 0, log: silentLog });
  const endpoint = createCoapEndpoint({
    transport,
    clock: systemClock,
    random: createSystemRandom(),
    log: silentLog,
    transmission: { ...DEFAULT_TRANSMISSION, emptyAckAfterMs: 50 },
    limits: {
      maxBodyBytes: 1024 * 1024,
      maxTransfersPerPeer: 4,
      maxTransfers: 100,
      maxTransferBytes: 16 * 1024 * 1024,
      maxPeers: 1000,
      maxRequestsInFlight: 100,
      blockSzx: 6,
    },
    codec,
    onRequest,
  });
  const close = async (): Promise<void> => {
    await endpoint[Symbol.asyncDispose]();
    await transport[Symbol.asyncDispose]();
  };
  return Object.assign(endpoint, { port: transport.local.port, close });
}

for (const codec of ["builtin", "coap-packet"] as const) {
  describe(`CoAP endpoint (codec ${codec}) as server of the coap package`, () => {
    const calls: CoapRequest[] = [];
    let answer: EndpointParts["onRequest"];
    let server: Awaited<ReturnType<typeof openEndpoint>>;
    let agent: InstanceType<typeof coap.Agent>;

    beforeEach(async () => {
      calls.length = 0;
      server = await openEndpoint((request, from) => {
        calls.push(request);
        return answer(request, from);
      }, codec);
      agent = new coap.Agent({ type: "udp4" });
    });
    afterEach(async () => {
      agent.close();
      await server.close();
    });

    const ask = async (
      params: { method?: "GET" | "POST" | "PUT"; pathname: string; query?: string; options?: Record<string, unknown> },
      payload?: Uint8Array,
    ) => {
      const request = coap.request({ host: "127.0.0.1", port: server.port, agent, ...params } as never);
      request.end(payload && Buffer.from(payload));
      const [response] = (await once(request, "response")) as [InstanceType<typeof coap.IncomingMessage>];
      return response;
    };

    it("Register: query, Content-Format, Location-Path", async () => {
      answer = () => ({ code: 65, locationPath: ["rd", "5a3f"], payload: EMPTY });
      const links = new TextEncoder().encode("</1/0>,</3/0>");
      const response = await ask(
        {
          method: "POST",
          pathname: "/rd",
          query: "ep=urn:dev&lt=300",
          options: { "Content-Format": "application/link-format" },
        },
        links,
      );
      assert.equal(response.code, "2.01");
      // The package's own header holds the last segment only.
      const { options } = response as unknown as { options: readonly { name: string; value: unknown }[] };
      const location = options.filter(({ name }) => name === "Location-Path").map(({ value }) => String(value));
      assert.deepEqual(location, ["rd", "5a3f"]);
      assert.deepInclude(calls[0], {
        method: "POST",
        path: ["rd"],
        query: ["ep=urn:dev", "lt=300"],
        contentFormat: 40,
      });
      assert.deepEqual(calls[0]!.payload, links);
    });

    it("a handler that takes longer answers separately, once", async () => {
      answer = async () => {
        await new Promise<void>(resolve => void systemClock.after(150, resolve));
        return { code: 69, payload: body(10) };
      };
      const response = await ask({ pathname: "/slow" });
      assert.deepEqual(Uint8Array.from(response.payload), body(10));
      assert.lengthOf(calls, 1);
      assert.equal(server.counters["separateResponses"], 1);
    });

    it("a response of several blocks", async () => {
      answer = () => ({ code: 69, payload: body(5000) });
      const response = await ask({ pathname: "/large" });
      assert.deepEqual(Uint8Array.from(response.payload), body(5000));
      assert.lengthOf(calls, 1);
    });

    it("a request of several blocks", async () => {
      answer = ({ payload }) => ({ code: 68, payload: payload.subarray(0, 1) });
      const response = await ask(
        { method: "PUT", pathname: "/large", options: { Block1: Buffer.of(0x06) } },
        body(5000),
      );
      assert.equal(response.code, "2.04");
      assert.lengthOf(calls, 1);
      assert.deepEqual(calls[0]!.payload, body(5000));
    });

    it("an unknown path", async () => {
      answer = () => ({ code: 132, payload: EMPTY });
      assert.equal((await ask({ pathname: "/nothing" })).code, "4.04");
    });
  });

  describe(`CoAP endpoint (codec ${codec}) as client of the coap package`, () => {
    let client: Awaited<ReturnType<typeof openEndpoint>>;
    let device: ReturnType<typeof coap.createServer>;
    let to: Peer;
    let serve: (
      request: InstanceType<typeof coap.IncomingMessage>,
      response: InstanceType<typeof coap.OutgoingMessage>,
    ) => void;

    beforeEach(async () => {
      client = await openEndpoint(() => ({ code: 132, payload: EMPTY }), codec);
      device = coap.createServer({ type: "udp4" }, ((request: never, response: never) =>
        serve(request, response)) as never);
      await new Promise<void>(resolve => void device.listen(0, "127.0.0.1", () => resolve()));
      const { port } = (device as unknown as { _sock: { address(): AddressInfo } })._sock.address();
      to = client.transport.peerAt("127.0.0.1", port)!;
    });
    afterEach(async () => {
      await new Promise<void>(resolve => void device.close(() => resolve()));
      await client.close();
    });

    const get = (path: string): CoapRequest => ({ method: "GET", path: [path], query: [], payload: EMPTY });

    it("GET with Accept, an answer at once", async () => {
      serve = (request, response) => {
        assert.equal(request.headers.Accept, "application/vnd.oma.lwm2m+tlv");
        response.setOption("Content-Format", 11_542);
        response.end(Buffer.of(1, 2, 3));
      };
      const response = await client.request(to, { ...get("3"), accept: 11_542 });
      assert.deepEqual(response.payload, Uint8Array.of(1, 2, 3));
      assert.equal(response.contentFormat, 11_542);
      assert.equal(response.code, 69);
    });

    it("an answer that comes separately", async () => {
      serve = (_request, response) => void systemClock.after(200, () => response.end("late"));
      const { payload } = await client.request(to, get("slow"));
      assert.equal(Buffer.from(payload).toString(), "late");
    });

    it("an error code is a response", async () => {
      serve = (_request, response) => {
        response.code = "4.05";
        response.end();
      };
      assert.equal((await client.request(to, get("x"))).code, 133);
    });

    it("an answer of several blocks", async () => {
      serve = (_request, response) => void response.end(Buffer.from(body(5000)));
      assert.deepEqual((await client.request(to, get("large"))).payload, body(5000));
    });

    it("a body of several blocks", async () => {
      let got: Uint8Array | undefined;
      serve = (request, response) => {
        got = Uint8Array.from(request.payload);
        response.code = "2.04";
        response.end();
      };
      const answer = await client.request(to, { ...get("large"), method: "PUT", payload: body(5000) });
      assert.equal(answer.code, 68);
      assert.deepEqual(got, body(5000));
    });

    it("observes, hears each value, and ends it by Reset", async () => {
      let ended = false;
      let write: (value: string) => void = () => assert.fail("not observed");
      serve = (request, response) => {
        assert.equal(request.headers.Observe, 0);
        write = value => void response.write(value);
        response.on("finish", () => {
          ended = true;
        });
        write("0");
      };
      const heard: string[] = [];
      let onHeard: () => void = () => {};
      const { response, observation } = await client.observe(to, get("3303"), async (notification: Notification) => {
        heard.push(Buffer.from(notification.response.payload).toString());
        onHeard();
      });
      assert.equal(Buffer.from(response.payload).toString(), "0");
      const next = (): Promise<void> =>
        new Promise(resolve => {
          onHeard = resolve;
        });
      for (const value of ["1", "2", "3"]) {
        const arrived = next();
        write(value);
        await arrived;
      }
      assert.deepEqual(heard, ["1", "2", "3"]);
      (observation as Observation).forget();
      for (let i = 0; i < 100 && !ended; i++) {
        write(`late ${i}`);
        await new Promise<void>(resolve => void systemClock.after(20, resolve));
      }
      assert.isTrue(ended);
      assert.lengthOf(heard, 3);
    });
  });
}
