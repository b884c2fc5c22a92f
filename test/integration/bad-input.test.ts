/** Bad input from outside: a clear error to whoever sent it, nothing half stored, and a host that goes on. */
import { assert } from "chai";
import { AGENT, awaitOperation, type Operation, registerDevice, uploadDdf } from "../harness/agent.ts";
import { eventually } from "../harness/eventually.ts";
import { metricOf } from "../harness/metrics.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import { uintBytes, uriOptions } from "../harness/raw-socket.ts";
import { withHost } from "../harness/with-host.ts";

/** Result of a bulk operation (agent specification 3.2). */
interface BulkResult {
  readonly numberOfAll: number;
  readonly numberOfSuccessful: number;
  readonly numberOfFailed: number;
  readonly failed: readonly { readonly line: number; readonly endpoint: string; readonly reason: string }[];
}

interface ErrorBody {
  readonly error: string;
  readonly message: string;
}

/** Fits a receive buffer of the usual size. */
const AT_ONCE = 100;

const object = (inside: string): string =>
  `<?xml version="1.0"?><LWM2M><Object ObjectType="MODefinition"><Name>Bad</Name><ObjectID>32001</ObjectID>${inside}</Object></LWM2M>`;

const DEFINITION_FILES: readonly [string, string][] = [
  ["a DOCTYPE", `<!DOCTYPE LWM2M [<!ELEMENT LWM2M ANY>]>${object("")}`],
  [
    "an external entity",
    `<!DOCTYPE LWM2M [<!ENTITY e SYSTEM "file:///etc/passwd">]>${object("<Description1>&e;</Description1>")}`,
  ],
  [
    "nested entities",
    `<!DOCTYPE LWM2M [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>${object("<Description1>&b;</Description1>")}`,
  ],
  ["10,000 nested elements", object(`${"<x>".repeat(10_000)}${"</x>".repeat(10_000)}`)],
  ["an element that is not closed", object("<Resources>").replace("</Object>", "")],
  ["no XML at all", "hello"],
  ["nothing", ""],
  ["another document", "<html><body/></html>"],
];

describe("bad input: datagrams", () => {
  const suite = withHost();
  let device: RawDevice;

  beforeEach(async () => {
    device = await openRawDevice(suite.host.coapPort);
  });
  afterEach(async () => {
    assert.equal((await suite.api.get("/health")).status, 200);
    await device[Symbol.asyncDispose]();
  });

  /** No faster than the host reads them: the kernel drops what does not fit its buffer, whoever sent it. */
  async function sendAll(from: RawDevice, datagrams: readonly Uint8Array[]): Promise<void> {
    const count = (): Promise<number> => metricOf(suite.api, "mooring_coap_datagrams_received_total");
    let read = await count();
    for (let at = 0; at < datagrams.length; at += AT_ONCE) {
      const some = datagrams.slice(at, at + AT_ONCE);
      for (const bytes of some) await from.sendBytes(bytes);
      read += some.length;
      await eventually(async () => ((await count()) >= read ? true : undefined), {
        what: `${read} datagrams at the host`,
      });
    }
  }

  it("each malformed datagram leaves a host that still answers (RFC 7252 section 4.2)", async () => {
    await registerDevice(suite.api, { endpointId: "bad-datagrams" });
    const malformed = [
      "", // nothing
      "40", // one byte
      "4002", // no message id
      "80020001", // version 2
      "49020001", // token length 9
      "4f020001", // token length 15
      "44020001ab", // token past the end
      "40020001b5", // option past the end
      "40020001f0", // option delta 15, no payload marker
      "40020001ff", // payload marker without payload
      "40e00001", // reserved class 7
      "70000001aa", // Reset that is not empty
      "50000001ff01", // Empty with a payload
      "400200010d", // extended delta missing
      "40020001ee0000", // extended delta and length cut off
    ];
    const odd = Array.from({ length: 500 }, (_, at) =>
      Uint8Array.from({ length: at % 40 }, (_, index) => (index * 31 + at * 17) & 0xff),
    );
    // Another one than the device, which might happen to use a message id that was among them.
    await using stranger = await openRawDevice(suite.host.coapPort);
    await sendAll(stranger, [...malformed.map(hex => Buffer.from(hex, "hex")), ...odd]);
    assert.match(await device.register({ endpoint: "bad-datagrams" }), /^\/rd\//);
  });

  it("an unknown critical option is 4.02 (RFC 7252 section 5.4.1)", async () => {
    const token = Buffer.from("c0ffee", "hex");
    await device.send({
      code: "0.02",
      confirmable: true,
      messageId: device.nextMessageId(),
      token,
      options: [...uriOptions("/rd?ep=x"), { name: 65_001 as never, value: Buffer.from([1]) }],
    });
    const answer = await device.socket.receive("4.02", message => message.token.equals(token));
    assert.equal(answer.code, "4.02");
  });

  it("an unknown elective option is ignored", async () => {
    await registerDevice(suite.api, { endpointId: "elective" });
    const options = [{ name: 65_000 as never, value: Buffer.from([1]) }];
    const request = { code: "0.02", uri: "/rd?ep=elective&lt=60", payload: "</1/0>", contentFormat: 40, options };
    assert.equal((await device.request(request)).code, "2.01");
  });

  for (const [what, uri, payload, contentFormat, expected] of [
    ["without an endpoint", "/rd?lt=60", "</1/0>", 40, "4.00"],
    ["with an endpoint nobody knows", "/rd?ep=nobody&lt=60", "</1/0>", 40, "4.03"],
    ["with a lifetime that is no number", "/rd?ep=bad-register&lt=soon", "</1/0>", 40, "4.00"],
    ["with links that are none", "/rd?ep=bad-register&lt=60", "not links <<<", 40, "4.00"],
    ["in a Content-Format that is not links", "/rd?ep=bad-register&lt=60", "{}", 50, "4.15"],
    ["of a location that is not there", "/rd/AAAAAAAAAA", "", undefined, "4.04"],
    ["of a path that is not there", "/no/such/path", "", undefined, "4.04"],
  ] as const) {
    it(`Register or Update ${what} is ${expected}`, async () => {
      await registerDevice(suite.api, { endpointId: "bad-register" }).catch(() => {});
      const answer = await device.request({ code: "0.02", uri, payload, ...(contentFormat ? { contentFormat } : {}) });
      assert.equal(answer.code, expected);
    });
  }

  it("a block that nobody began is 4.08 (RFC 7959 section 2.9.2)", async () => {
    const options = [{ name: "Block1" as const, value: uintBytes((7 << 4) | 2) }];
    const answer = await device.request({ code: "0.02", uri: "/rd?ep=x", payload: Buffer.alloc(64), options });
    assert.equal(answer.code, "4.08");
  });
});

describe("bad input: REST", () => {
  const suite = withHost();

  afterEach(async () => {
    assert.equal((await suite.api.get("/health")).status, 200);
  });

  for (const [what, content] of DEFINITION_FILES) {
    it(`an object definition with ${what} is refused and changes nothing`, async () => {
      const before = await suite.api.get<unknown[]>(`${AGENT}/objectResourceMappings`);
      const answer = await uploadDdf(suite.api, "bad.xml", content);
      assert.equal(answer.status, 422);
      assert.isNotEmpty((answer.body as unknown as ErrorBody).message);
      const after = await suite.api.get<unknown[]>(`${AGENT}/objectResourceMappings`);
      assert.deepEqual(after.body, before.body);
    });
  }

  for (const [what, method, path, body, status] of [
    ["an inventory object that is an array", "post", "/inventory/managedObjects", [1, 2], 422],
    [
      "a measurement without a source",
      "post",
      "/measurement/measurements",
      { type: "x", time: "2026-01-01T00:00:00Z" },
      422,
    ],
    [
      "a measurement with a bad time",
      "post",
      "/measurement/measurements",
      { type: "x", time: "soon", source: { id: "1" } },
      422,
    ],
    [
      "an alarm without a severity",
      "post",
      "/alarm/alarms",
      { type: "x", text: "y", time: "2026-01-01T00:00:00Z" },
      422,
    ],
    ["an event without a type", "post", "/event/events", { text: "y", time: "2026-01-01T00:00:00Z" }, 422],
    ["an operation without a device", "post", "/devicecontrol/operations", { c8y_Command: { text: "read /3" } }, 422],
    [
      "a registration without an endpoint",
      "post",
      `${AGENT}/deviceRegistration`,
      { serverSecurity: { securityMode: "NO_SEC" } },
      422,
    ],
    ["a registration whose endpoint is a number", "post", `${AGENT}/deviceRegistration`, { endpointId: 7 }, 422],
    ["a resource mapping that is text", "put", `${AGENT}/objectResourceMappings/3/add`, { 0: "name" }, 422],
    [
      "a mapping of an object nobody described",
      "put",
      `${AGENT}/objectResourceMappings/31999/add`,
      { 0: { resourceID: 0 } },
      404,
    ],
  ] as const) {
    it(`${what} is ${status} with an error body`, async () => {
      const answer = await suite.api[method]<ErrorBody>(path, body);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.isString(answer.body.error);
      assert.isNotEmpty(answer.body.message);
    });
  }

  it("a body that is not JSON is 400 with an error body", async () => {
    const answer = await fetch(new URL("/inventory/managedObjects", suite.host.http), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: suite.api.authorization },
      body: "{ not json",
    });
    assert.equal(answer.status, 400);
    assert.containsAllKeys(await answer.json(), ["error", "message"]);
  });

  it("no credentials, or wrong ones, are 401 with an error body", async () => {
    const wrong = `Basic ${Buffer.from("t1/admin:wrong").toString("base64")}`;
    for (const authorization of [undefined, wrong]) {
      const answer = await fetch(new URL("/inventory/managedObjects", suite.host.http), {
        ...(authorization ? { headers: { authorization } } : {}),
      });
      assert.equal(answer.status, 401);
      assert.containsAllKeys(await answer.json(), ["error", "message"]);
    }
  });

  it("CSV with bad rows: each bad row is told with its line, the good ones are registered", async () => {
    const csv = [
      "endpoint id;type;securityMode;lwm2m server uri",
      "csv-good-1;c8y_lwm2m;NO_SEC;coap://127.0.0.1:5783",
      ";c8y_lwm2m;NO_SEC;coap://127.0.0.1:5783",
      "csv-bad-mode;c8y_lwm2m;MAGIC;coap://127.0.0.1:5783",
      "csv-good-1;c8y_lwm2m;NO_SEC;coap://127.0.0.1:5783",
      'csv-quoted;c8y_lwm2m;"NO_SEC;coap://127.0.0.1:5783',
    ].join("\n");
    const form = new FormData();
    form.set("file", new Blob([csv], { type: "text/csv" }), "devices.csv");
    const { status, body } = await suite.api.post<Operation>(`${AGENT}/deviceRegistration/bulk`, form);
    assert.equal(status, 201, JSON.stringify(body));
    const ended = await awaitOperation(suite.api, body.id);
    assert.equal(ended.status, "FAILED");
    const result = JSON.parse(ended.c8y_Command!.result!) as BulkResult;
    assert.deepInclude(result, { numberOfAll: 5, numberOfSuccessful: 1, numberOfFailed: 4 });
    assert.deepEqual(
      result.failed.map(({ line }) => line),
      [3, 4, 5, 6],
    );
    for (const { reason } of result.failed) assert.isNotEmpty(reason);
    const registered = async (endpoint: string): Promise<number> =>
      (await suite.api.get(`/identity/externalIds/c8y_Id/${endpoint}`)).status;
    assert.equal(await registered("csv-good-1"), 200);
    assert.equal(await registered("csv-bad-mode"), 404);
  });
});
