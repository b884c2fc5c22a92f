import { assert } from "chai";
import { createSeededRandom, type Random } from "../../src/base/random.ts";
import { openRest, type RestFixture } from "./fixture.ts";

const REQUESTS = 300;

const COLLECTIONS = [
  "/inventory/managedObjects",
  "/measurement/measurements",
  "/alarm/alarms",
  "/event/events",
  "/devicecontrol/operations",
];
const ROUTES: readonly (readonly [method: string, path: string])[] = [
  ...COLLECTIONS.flatMap(path => [
    ["POST", path] as const,
    ["POST", path] as const,
    ["GET", path] as const,
    ["GET", `${path}/ID`] as const,
    ["PUT", `${path}/ID`] as const,
  ]),
  ["GET", "/inventory/managedObjects/count"],
  ["GET", "/alarm/alarms/count"],
  ["POST", "/identity/globalIds/ID/externalIds"],
  ["GET", "/identity/externalIds/c8y_Id/ep1"],
  ["DELETE", "/inventory/managedObjects/ID"],
  ["DELETE", "/event/events/ID"],
  ["DELETE", "/measurement/measurements"],
  ["GET", "/tenant/currentTenant"],
  ["GET", "/user/currentUser"],
];
const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
const NAMES = ["source", "type", "text", "time", "severity", "status", "deviceId", "name", "owner", "ids", "pageSize"];
const PARAMETERS = [
  ...NAMES,
  "currentPage",
  "withTotalPages",
  "dateFrom",
  "dateTo",
  "revert",
  "fragmentType",
  "resolved",
];
const SCALARS = [
  "",
  "x",
  "ACTIVE",
  "MAJOR",
  "true",
  "2026-01-01T00:00:00Z",
  "2026-01-01T10:00:00 01:00",
  "-1",
  "1e400",
  "9".repeat(40),
  "ü\u{1f600}",
  "a.b~c$d",
  "'; DROP TABLE alarms; --",
  "x".repeat(3000),
];
const TAILS = [..."".padEnd(20).split(" "), "/", "%", "/%ff", "/%2e%2e", "//", "/a%00b", "?a[]=1&&=&%", ";x=y"];

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!;

function randomValue(random: Random, ids: readonly string[], depth = 0): unknown {
  const kind = random.int(depth > 2 ? 6 : 9);
  if (kind === 0) return null;
  if (kind === 1) return random.int(5) - 2;
  if (kind === 2) return random.fraction() * 1e308;
  if (kind === 3) return random.int(2) === 0;
  if (kind === 4) return pick(random, ids);
  if (kind === 5) return pick(random, SCALARS);
  if (kind === 6) return Array.from({ length: random.int(4) }, () => randomValue(random, ids, depth + 1));
  if (kind === 7) return { id: randomValue(random, ids, depth + 1) };
  return randomObject(random, ids, depth + 1);
}

function randomObject(random: Random, ids: readonly string[], depth = 0): object {
  const names = Array.from({ length: random.int(9) }, () => pick(random, [...NAMES, ...SCALARS, "id", "measurements"]));
  return Object.fromEntries(names.map(name => [name, randomValue(random, ids, depth)]));
}

/** Good for every kind of document; then up to three members become something else. */
function nearlyGood(random: Random, ids: readonly string[]): object {
  const id = pick(random, ids);
  const good = {
    source: { id },
    deviceId: id,
    type: pick(random, ["t", "c8y_Id", "u"]),
    externalId: `ep${random.int(50)}`,
    text: "x",
    severity: "MAJOR",
    status: pick(random, ["ACTIVE", "CLEARED", "EXECUTING"]),
    time: "2026-01-01T00:00:00Z",
  };
  const changed = Array.from({ length: random.int(4) }, () => [
    pick(random, [...Object.keys(good), "name", "owner", "c8y_X", "a.b", "externalIds"]),
    randomValue(random, ids),
  ]);
  return { ...good, ...Object.fromEntries(changed) };
}

const randomQuery = (random: Random): string =>
  Array.from({ length: random.int(4) }, () => {
    const value = encodeURIComponent(pick(random, SCALARS));
    return `${pick(random, PARAMETERS)}=${random.int(5) === 0 ? pick(random, SCALARS).slice(0, 50) : value}`;
  }).join("&");

describe("rest/bad input", () => {
  let rest: RestFixture;
  before(async () => {
    rest = await openRest();
  });
  after(() => rest[Symbol.asyncDispose]());

  it(`${REQUESTS} requests of any shape: never a fault of ours, every refusal with its body`, async () => {
    const random = createSeededRandom(20260101);
    const ids = ["1", "x"];
    let stored = 0;
    for (let i = 0; i < REQUESTS; i++) {
      if (i % 40 === 0) ids.push(await rest.createDevice());
      const [usual, route] = pick(random, ROUTES);
      const method = random.int(10) === 0 ? pick(random, METHODS) : usual;
      const path = `${route.replace("ID", pick(random, ids))}${pick(random, TAILS)}`;
      const url = path.includes("?") ? path : `${path}?${randomQuery(random)}`;
      const hasBody = method !== "GET" && method !== "OPTIONS" && random.int(5) > 0;
      const text = JSON.stringify(random.int(3) === 0 ? randomObject(random, ids) : nearlyGood(random, ids));
      const body = random.int(12) === 0 ? text.slice(0, random.int(text.length)) : text;
      const answer = await rest.ask(method, url, hasBody ? { body } : {});
      const told = `${method} ${url} ${hasBody ? body.slice(0, 500) : ""}: ${answer.status} ${answer.text.slice(0, 300)}`;
      assert.isBelow(answer.status, 500, `${told} ${JSON.stringify(rest.log.lines.slice(-1))}`);
      if (answer.status === 201) {
        stored++;
        if (ids.length < 50) ids.push(answer.body.id ?? "2");
      }
      if (answer.status >= 400) {
        assert.hasAllKeys(
          answer.body,
          ["error", "message", "info", ...(answer.body?.details ? ["details"] : [])],
          told,
        );
      }
    }
    assert.isAbove(stored, REQUESTS / 40, "the requests are not good enough to get anywhere");
    assert.equal((await rest.ask("GET", "/health", { as: null })).status, 200);
  });
});
