import { connect } from "node:net";
import { assert } from "chai";
import { listenForRest } from "../../src/rest/http-server.ts";
import { failing } from "../platform/failing.ts";
import { basic, openRest, type RestFixture } from "./fixture.ts";

describe("rest/edge", () => {
  let rest: RestFixture;
  before(async () => {
    rest = await openRest();
  });
  after(() => rest[Symbol.asyncDispose]());

  describe("errors (platform API 2.3)", () => {
    const cases: [name: string, method: string, path: string, body: unknown, status: number, error: string][] = [
      ["malformed JSON", "POST", "/inventory/managedObjects", "{", 400, "inventory/Bad Request"],
      ["a missing field", "POST", "/alarm/alarms", {}, 422, "undefined/validationError"],
      ["an unknown object", "GET", "/inventory/managedObjects/1", undefined, 404, "inventory/Not Found"],
      ["an unknown external id", "GET", "/identity/externalIds/a/b", undefined, 404, "identity/Not Found"],
      ["an unknown measurement", "GET", "/measurement/measurements/1", undefined, 404, "measurement/Not Found"],
      ["an unknown alarm", "GET", "/alarm/alarms/1", undefined, 404, "alarm/Not Found"],
      ["an unknown event", "GET", "/event/events/1", undefined, 404, "event/Not Found"],
      ["an unknown operation", "GET", "/devicecontrol/operations/1", undefined, 404, "devicecontrol/Not Found"],
      ["an unknown path", "GET", "/nothing/here", undefined, 404, "general/Not Found"],
      ["a method that is not there", "PATCH", "/inventory/managedObjects/1", {}, 405, "inventory/Method Not Allowed"],
      ["a bad page size", "GET", "/event/events?pageSize=0", undefined, 422, "undefined/validationError"],
    ];
    for (const [name, method, path, body, status, error] of cases) {
      it(`${name}: ${status} ${error}, always as JSON`, async () => {
        const answer = await rest.ask(method, path, { body });
        assert.equal(answer.status, status);
        assert.equal(answer.body.error, error);
        assert.isString(answer.body.message);
        assert.match(answer.body.info, /^http:\/\/127\.0\.0\.1:\d+\/errors#[A-Z_]+$/);
        assert.match(answer.headers.get("content-type")!, /json/);
      });
    }

    it("names field and rule", async () => {
      const alarm = { source: {}, type: "t", text: "x", severity: "MAJOR", time: "2026-01-01T00:00:00Z" };
      const { body } = await rest.ask("POST", "/alarm/alarms", { body: alarm });
      assert.deepEqual(body.details, { field: "source.id", rule: "is missing" });
    });

    it("lists its codes where info points at", async () => {
      const { status, body } = await rest.ask("GET", "/errors", { as: null });
      assert.equal(status, 200);
      assert.deepEqual(body.errors.NOT_FOUND, { coap: "4.04", http: 404 });
    });

    it("a method that is not there says which are", async () => {
      const { headers } = await rest.ask("DELETE", "/devicecontrol/operations/1");
      assert.equal(headers.get("allow"), "HEAD, GET, PUT");
      const options = await rest.ask("OPTIONS", "/inventory/managedObjects");
      assert.equal(options.status, 204);
      assert.equal(options.headers.get("allow"), "POST, HEAD, GET");
    });

    it("a fault of ours says nothing of the inside and is in the log", async () => {
      const body = { endpointId: "x" };
      const answer = await rest.ask("POST", "/service/lwm2m-agent/deviceRegistration", { body });
      assert.equal(answer.status, 500);
      assert.equal(answer.body.error, "lwm2m/Internal Server Error");
      assert.notInclude(answer.text, "no agent here");
      const line = rest.log.lines.find(({ event }) => event === "rest.failed");
      assert.deepInclude(line?.fields, { status: 500, error: "no agent here", method: "POST" });
    });
  });

  describe("bodies", () => {
    const post = (body: unknown) => rest.ask("POST", "/inventory/managedObjects", { body });
    const count = async () => (await rest.ask("GET", "/inventory/managedObjects/count")).body as number;

    const refused: [name: string, body: unknown, status: number, message: RegExp][] = [
      ["no body", undefined, 400, /not JSON/],
      ["text", "hello", 400, /not JSON/],
      ["an array", "[]", 422, /body must be an object/],
      ["null", "null", 422, /body must be an object/],
      ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0x22), 400, /not UTF-8/],
      ["a number past the range of a double", '{"a":{"b":[1e999]}}', 422, /a\.b\[0\] must be a number/],
      ["U+0000", '{"a":"\\u0000"}', 422, /a must not hold U\+0000/],
      ["half a surrogate pair", '{"a":"\\ud800"}', 422, /a must not hold/],
      ["a member named __proto__", '{"a":{"__proto__":{"x":1}}}', 422, /a must not have a member named "__proto__"/],
      ["65 levels", `${'{"a":'.repeat(65)}1${"}".repeat(65)}`, 422, /deeper than 64/],
      ["60 000 levels", "[".repeat(30_000) + "]".repeat(30_000), 422, /deeper than 64/],
      ["too many bytes", `{"a":"${"x".repeat(70_000)}"}`, 413, /larger than 65536 bytes/],
    ];
    for (const [name, body, status, message] of refused) {
      it(`refuses ${name} and stores nothing`, async () => {
        const before = await count();
        const answer = await post(body);
        assert.equal(answer.status, status);
        assert.match(answer.body.message, message);
        assert.equal(await count(), before);
      });
    }

    it("takes JSON whatever it is called, also with a byte order mark", async () => {
      for (const type of ["text/plain", "application/vnd.com.nsn.cumulocity.managedObject+json", ""]) {
        const headers = type ? { "Content-Type": type } : {};
        const { status } = await rest.ask("POST", "/inventory/managedObjects", { body: '\ufeff{"a":1}', headers });
        assert.equal(status, 201);
      }
    });

    it("keeps 63 levels, and names such as constructor", async () => {
      const deep = `${'{"a":'.repeat(60)}1${"}".repeat(60)}`;
      const answer = await post(`{"deep":${deep},"constructor":{"prototype":1},"toString":"x"}`);
      assert.equal(answer.status, 201);
      const { body } = await rest.ask("GET", new URL(answer.body.self).pathname);
      assert.equal(JSON.stringify(body.deep), deep);
      assert.deepEqual(body.constructor, { prototype: 1 });
      assert.equal(body.toString, "x");
    });

    it("platform API 2.1: takes a chunked body", async () => {
      const stream = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"name":'));
          controller.enqueue(new TextEncoder().encode('"chunked"}'));
          controller.close();
        },
      });
      const answer = await fetch(`${rest.origin}/inventory/managedObjects`, {
        method: "POST",
        headers: { Authorization: basic("t1/admin"), Connection: "close" },
        body: stream,
        duplex: "half",
      } as RequestInit);
      assert.equal(answer.status, 201);
      assert.equal(((await answer.json()) as { name: string }).name, "chunked");
    });

    it("a client that goes away in mid-body disturbs nobody", async () => {
      const before = await count();
      await new Promise<void>(resolve => {
        const socket = connect(Number(new URL(rest.origin).port), "127.0.0.1", () => {
          const head = `POST /inventory/managedObjects HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic("t1/admin")}\r\n`;
          socket.write(`${head}Content-Length: 100\r\n\r\n{"name":`, () => socket.destroy());
        });
        socket.on("close", () => resolve());
      });
      assert.equal(await count(), before);
    });
  });

  describe("authentication (platform API 3.1)", () => {
    const status = async (authorization: string | undefined, headers = {}) => {
      const login = authorization === undefined ? {} : { Authorization: authorization };
      return await rest.ask("GET", "/tenant/currentTenant", { as: null, headers: { ...login, ...headers } });
    };

    it("with tenant, without one, and with a colon in the password", async () => {
      await rest.tenants.createUser("t1", { userName: "a@b.c", password: "pass:word:", roles: [] });
      assert.equal((await status(basic("t1/admin"))).status, 200);
      assert.equal((await status(basic("admin"))).status, 200);
      assert.equal((await status(basic("t1/a@b.c", "pass:word:"))).status, 200);
      assert.equal((await status(basic("admin").replace("Basic", "basic"))).status, 200);
    });

    it("reads a password in UTF-8 and in Latin-1", async () => {
      await rest.tenants.createUser("t1", { userName: "umlaut", password: "größer8!", roles: [] });
      assert.equal((await status(basic("umlaut", "größer8!"))).status, 200);
      const latin1 = Buffer.from("umlaut:größer8!", "latin1").toString("base64");
      assert.equal((await status(`Basic ${latin1}`)).status, 200);
    });

    const bad: [name: string, header: string | undefined][] = [
      ["no header", undefined],
      ["a wrong password", basic("t1/admin", "wrong password")],
      ["an unknown user", basic("t1/nobody")],
      ["another tenant", basic("t2/admin")],
      ["no colon", `Basic ${Buffer.from("admin").toString("base64")}`],
      ["a NUL in the names", `Basic ${Buffer.from("t\0/ad\0min:x").toString("base64")}`],
      ["no base64", "Basic %%%"],
      ["another scheme", "Bearer abc"],
    ];
    for (const [name, header] of bad) {
      it(`refuses ${name} with a challenge`, async () => {
        const answer = await status(header);
        assert.equal(answer.status, 401);
        assert.equal(answer.body.error, "security/Unauthorized");
        assert.equal(answer.headers.get("www-authenticate"), 'Basic realm="Mooring", charset="UTF-8"');
      });
    }

    it("platform API 2.1: UseXBasic keeps browsers from asking", async () => {
      const answer = await status(undefined, { UseXBasic: "true" });
      assert.match(answer.headers.get("www-authenticate")!, /^XBasic realm=/);
    });

    it("platform API 4.1: says Bad credentials as the platform does", async () => {
      const { body } = await status(basic("t1/admin", "wrong password"));
      assert.equal(body.message, "Invalid credentials! : Bad credentials");
    });

    it("bad input: %00 anywhere in the URL is said so", async () => {
      for (const path of ["/inventory/managedObjects/%00", "/alarm/alarms?type=%00", "/identity/externalIds/a/b%00"]) {
        const { status, body } = await rest.ask("GET", path);
        assert.equal(status, 422);
        assert.equal(body.message, "the URL must not hold %00");
      }
    });

    it("an unknown path is not told to strangers", async () => {
      assert.equal((await rest.ask("GET", "/nothing", { as: null })).status, 401);
      assert.equal((await rest.ask("PATCH", "/inventory/managedObjects", { as: null })).status, 401);
    });

    it("who guesses is told when to come back", async () => {
      for (let i = 0; i < 10; i++) await status(basic("t1/guessed", `wrong password ${i}`));
      const answer = await status(basic("t1/guessed", "wrong password"));
      assert.equal(answer.status, 429);
      assert.equal(answer.headers.get("retry-after"), "60");
    });
  });

  describe("media types (platform API 2.1)", () => {
    const type = async (accept: string | undefined) => {
      const headers: Record<string, string> = accept === undefined ? {} : { Accept: accept };
      return (await rest.ask("GET", "/inventory/managedObjects", { headers })).headers.get("content-type");
    };
    const own = "application/vnd.com.nsn.cumulocity.managedobjectcollection+json;charset=UTF-8;ver=0.9";

    it("plain for plain", async () =>
      assert.equal(await type("application/json, text/plain, */*"), "application/json;charset=UTF-8"));
    it("its own for none in particular", async () => assert.equal(await type("*/*"), own));
    it("the vendor type asked for, with a trailing semicolon too", async () =>
      assert.equal(
        await type("application/vnd.com.nsn.cumulocity.user+json;"),
        "application/vnd.com.nsn.cumulocity.user+json;charset=UTF-8;ver=0.9",
      ));
    it("an error is an error under every vendor type", async () => {
      const accepting = async (accept: string) =>
        (await rest.ask("GET", "/alarm/alarms/1", { headers: { Accept: accept } })).headers.get("content-type");
      const alarm = "application/vnd.com.nsn.cumulocity.alarm+json";
      assert.equal(await accepting(alarm), "application/vnd.com.nsn.cumulocity.error+json;charset=UTF-8;ver=0.9");
      assert.equal(await accepting("application/json"), "application/json;charset=UTF-8");
    });
    it("never 406", async () => {
      assert.equal(await type("image/png"), own);
      assert.equal(await type(";;;,,q=1"), own);
    });
    it("a browser sees JSON", async () => assert.equal(await type("text/html,*/*"), "application/json;charset=UTF-8"));
  });

  describe("links (platform API 2.2)", () => {
    const self = async (headers: Record<string, string>) =>
      (await rest.ask("GET", "/tenant/currentTenant", { headers })).body.self as string;

    it("absolute, from the Host asked", async () =>
      assert.equal(await self({}), `${rest.origin}/tenant/currentTenant`));
    it("as the proxy's caller sees it", async () =>
      assert.equal(
        await self({ "X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "iot.example.com:8443, inner" }),
        "https://iot.example.com:8443/tenant/currentTenant",
      ));
    it("never what is no host", async () =>
      assert.equal(
        await self({ "X-Forwarded-Host": "evil/<script>", "X-Forwarded-Proto": "javascript" }),
        `${rest.origin}/tenant/currentTenant`,
      ));
  });

  it("platform API 2.1: X-HTTP-METHOD stands for the method of a POST", async () => {
    const id = await rest.createDevice();
    const path = `/inventory/managedObjects/${id}`;
    const put = await rest.ask("POST", path, { body: { name: "new" }, headers: { "X-HTTP-METHOD": "PUT" } });
    assert.equal(put.status, 200);
    assert.equal(put.body.name, "new");
    assert.equal((await rest.ask("POST", path, { headers: { "X-HTTP-METHOD": "DELETE" } })).status, 204);
    assert.equal((await rest.ask("GET", path)).status, 404);
  });

  it("platform API 2.1: headers and parameters that mean nothing here are let be", async () => {
    const headers = {
      tfatoken: "1",
      "X-XSRF-TOKEN": "x",
      "X-Cumulocity-Application-Key": "k",
      "Content-Type": "application/json",
    };
    const answer = await rest.ask("GET", "/inventory/managedObjects?foo=bar&_=1", { headers });
    assert.equal(answer.status, 200);
  });

  describe("health and metrics", () => {
    it("health needs no login and names its parts", async () => {
      for (const path of ["/health", "/service/lwm2m-agent/health"]) {
        const answer = await rest.ask("GET", path, { as: null });
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.body, { status: "UP", components: { store: { status: "UP" } } });
      }
    });

    it("a part that is down makes 503; the agent's path may need a login", async () => {
      await using down = await openRest({
        publicAgentHealth: false,
        health: { store: () => Promise.reject(new TypeError("disk is gone")) },
      });
      const answer = await down.ask("GET", "/health", { as: null });
      assert.equal(answer.status, 503);
      assert.deepEqual(answer.body.components.store, { status: "DOWN", error: "disk is gone" });
      assert.equal((await down.ask("GET", "/service/lwm2m-agent/health", { as: null })).status, 401);
      assert.equal((await down.ask("GET", "/service/lwm2m-agent/health")).status, 503);
    });

    it("metrics come from every part, with a login", async () => {
      await using measured = await openRest({
        metrics: [
          () => ({
            mooring_registrations: { help: "Registered devices", type: "gauge", value: 5 },
            mooring_messages_total: {
              help: "CoAP messages",
              type: "counter",
              value: [
                { labels: { direction: "in" }, value: 3 },
                { labels: { direction: "out" }, value: 4 },
              ],
            },
          }),
        ],
      });
      await measured.ask("GET", "/inventory/managedObjects/1");
      assert.equal((await measured.ask("GET", "/metrics", { as: null })).status, 401);
      for (let i = 0; i < 2; i++) {
        const { status, text, headers } = await measured.ask("GET", "/metrics");
        assert.equal(status, 200);
        assert.match(headers.get("content-type")!, /^text\/plain/);
        assert.include(text, "\nmooring_registrations 5\n");
        assert.include(text, '\nmooring_messages_total{direction="in"} 3\n');
        assert.include(text, "# TYPE mooring_messages_total counter");
        assert.match(
          text,
          /mooring_http_request_duration_seconds_count\{method="GET",route="\/inventory\/managedObjects\/:id",status="404"\} 1/,
        );
        assert.include(text, "process_resident_memory_bytes");
      }
    });
  });

  it("two applications in one process keep apart", async () => {
    await using other = await openRest();
    const id = await rest.createDevice("only here");
    assert.equal((await other.ask("GET", `/inventory/managedObjects/${id}`)).status, 404);
  });

  describe("what is no HTTP", () => {
    const send = (text: string) =>
      new Promise<string>((resolve, reject) => {
        let answer = "";
        const socket = connect(Number(new URL(rest.origin).port), "127.0.0.1", () => socket.write(text));
        socket.on("data", chunk => {
          answer += chunk;
        });
        socket.on("close", () => resolve(answer));
        socket.on("error", reject);
      });

    const cases: [name: string, text: string, status: number][] = [
      ["no request line", "\x16\x03\x01\x02\x00\r\n\r\n", 400],
      ["two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400],
      ["headers without end", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ];
    for (const [name, text, status] of cases) {
      it(`${name}: ${status} with the error body`, async () => {
        const [head, body] = (await send(text)).split("\r\n\r\n") as [string, string];
        assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
        assert.hasAllKeys(JSON.parse(body), ["error", "message", "info"]);
      });
    }
  });

  it("a port that is taken is said so", async () => {
    const port = Number(new URL(rest.origin).port);
    const error = await failing("CONFIG_INVALID", () =>
      listenForRest(() => {}, rest.clock, { host: "127.0.0.1", port }),
    );
    assert.include(error.message, `127.0.0.1 port ${port}`);
  });

  describe("end", () => {
    const refusedBy = (port: number) =>
      new Promise<string>(resolve => connect(port, "127.0.0.1").on("error", error => resolve(error.message)));

    it("closes idle connections at once", async () => {
      const closing = await openRest();
      await (await fetch(`${closing.origin}/health`)).text();
      await closing[Symbol.asyncDispose]();
      assert.match(await refusedBy(Number(new URL(closing.origin).port)), /ECONNREFUSED/);
    });

    it("lets a request under way have its answer", async () => {
      const begun = Promise.withResolvers<void>();
      const mayEnd = Promise.withResolvers<void>();
      const closing = await openRest({
        health: {
          slow: async () => {
            begun.resolve();
            await mayEnd.promise;
          },
        },
      });
      const answer = closing.ask("GET", "/health", { as: null });
      await begun.promise;
      const closed = closing[Symbol.asyncDispose]();
      assert.match(await refusedBy(Number(new URL(closing.origin).port)), /ECONNREFUSED/);
      mayEnd.resolve();
      assert.equal((await answer).status, 200);
      await closed;
    });

    it("waits 5 s for it, no longer", async () => {
      const begun = Promise.withResolvers<void>();
      const never = new Promise<void>(() => {});
      const closing = await openRest({
        health: {
          stuck: () => {
            begun.resolve();
            return never;
          },
        },
      });
      const answer = closing.ask("GET", "/health", { as: null }).catch(error => error.cause);
      await begun.promise;
      const closed = closing[Symbol.asyncDispose]();
      await closing.clock.advance(5000);
      await closed;
      assert.match(String(await answer), /closed|ECONNRESET/);
    });
  });
});
