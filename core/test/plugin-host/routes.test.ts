import { assert } from "chai";
import { isFailure, MooringError } from "../../src/base/errors.ts";
import type { PluginAnswer, PluginRoute } from "../../src/contract/plugin-web.ts";
import { createRoutes, type ServedRoute, sentAnswer } from "../../src/plugin-host/routes.ts";

const route = (method: PluginRoute["method"], path: string, more: Partial<PluginRoute> = {}): ServedRoute =>
  ({ method, path, roles: [], handle: async () => ({ status: 204, headers: {} }), ...more }) as ServedRoute;

function setUp(...paths: readonly string[]) {
  const routes = createRoutes();
  for (const path of paths) routes.add("acme", route("GET", path));
  const find = (path: string, method = "GET") => {
    const found = routes.find("acme", method, path);
    return found && ("allowed" in found ? found.allowed : [found.route.path, found.params]);
  };
  return { routes, find };
}

describe("plugin-host/routes", () => {
  for (const [path, found] of [
    ["/meters", ["/meters", {}]],
    ["/meters/7", ["/meters/:id", { id: "7" }]],
    ["/meters/all", ["/meters/all", {}]],
    ["/meters/a%2Fb%20c", ["/meters/:id", { id: "a/b c" }]],
    ["/meters/7/values/T", ["/meters/:id/values/:series", { id: "7", series: "T" }]],
    ["/meters/", undefined],
    ["/meters/7/", undefined],
    ["/Meters", undefined],
    ["/", undefined],
    ["", undefined],
  ] as const) {
    it(`${path}: ${JSON.stringify(found) ?? "no such path"}`, () => {
      const { find } = setUp("/meters/:id", "/meters", "/meters/all", "/meters/:id/values/:series");
      assert.deepEqual(find(path), found as never);
    });
  }

  it("HEAD is GET without its body; other methods of a path are named", () => {
    const { routes, find } = setUp("/a");
    routes.add("acme", route("POST", "/a"));
    assert.deepEqual(find("/a", "HEAD"), ["/a", {}]);
    assert.deepEqual(find("/a", "DELETE"), ["GET", "POST"]);
  });

  it("each plugin has its own; disposing removes one", () => {
    const { routes, find } = setUp();
    const added = routes.add("acme", route("GET", "/a"));
    routes.add("other", route("GET", "/a"));
    added[Symbol.dispose]();
    assert.isUndefined(find("/a"));
    assert.lengthOf(routes.list("other"), 1);
  });

  it("a path that is no UTF-8 is malformed", () => {
    const { find } = setUp("/:a");
    assert.throws(() => find("/%ff"), MooringError, "not percent-encoded UTF-8");
  });

  for (const [what, bad, field] of [
    ["a method that there is none of", route("PATCH" as "GET", "/a"), "method"],
    ["no slash", route("GET", "a"), "path"],
    ["nothing", route("GET", "/"), "path"],
    ["a way up", route("GET", "/../a"), "path"],
    ["a wildcard", route("GET", "/*"), "path"],
    ["where pages are", route("GET", "/pages/x"), "path"],
    ["one name twice", route("GET", "/:a/:a"), "path"],
    ["no roles", route("GET", "/a", { roles: undefined as never }), "roles"],
    ["a role that is none", route("GET", "/a", { roles: ["admin"] }), "roles"],
    ["half a byte", route("GET", "/a", { maxBodyBytes: 0.5 }), "maxBodyBytes"],
    ["no function", route("GET", "/a", { handle: "x" as never }), "handle"],
    ["a path that is taken", route("GET", "/x/:other"), "path"],
  ] as const) {
    it(`bad input: ${what}`, () => {
      const { routes } = setUp("/x/:id");
      try {
        routes.add("acme", bad);
      } catch (error) {
        assert.isTrue(isFailure(error, "PLUGIN_INVALID"), String(error));
        assert.equal((error as MooringError).details["field"], field);
        return;
      }
      assert.fail("was accepted");
    });
  }
});

describe("plugin-host/routes: answers", () => {
  const json = { "Content-Type": "application/json;charset=UTF-8" };
  for (const [what, answer, sent] of [
    ["nothing", {}, { status: 204, headers: {} }],
    ["JSON", { json: [1] }, { status: 200, headers: json, body: "[1]" }],
    ["null", { json: null, status: 404 }, { status: 404, headers: json, body: "null" }],
    [
      "text with a header",
      { body: "x", status: 201, headers: { Location: "/a" } },
      { status: 201, headers: { Location: "/a", "Content-Type": "text/plain;charset=UTF-8" }, body: "x" },
    ],
    [
      "bytes of a type",
      { body: Uint8Array.of(1), contentType: "text/csv; charset=utf-8" },
      { status: 200, headers: { "Content-Type": "text/csv; charset=utf-8" }, body: Uint8Array.of(1) },
    ],
  ] as readonly [string, PluginAnswer, unknown][]) {
    it(what, () => assert.deepEqual(sentAnswer(answer), sent as never));
  }

  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  for (const [what, answer, rule] of [
    ["no answer", undefined, "must give an answer"],
    ["a text", "x", "must give an answer"],
    ["status 99", { status: 99 }, "99 is no status"],
    ["both", { json: 1, body: "x" }, "json or a body, not both"],
    ["a number", { body: 1 }, "text or bytes"],
    ["a cookie", { headers: { "Set-Cookie": "a=b" } }, "header Set-Cookie is not a route's to set"],
    ["two headers in one", { headers: { Location: "/a\r\nX: y" } }, "must be printable ASCII"],
    ["no media type", { body: "x", contentType: "html\r\n" }, "is no media type"],
    ["a circle", { json: cyclic }, "circular"],
    ["a BigInt", { json: 1n }, "BigInt"],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => sentAnswer(answer as never), rule));
  }
});
