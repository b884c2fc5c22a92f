import { assert } from "chai";
import { isFailure } from "../../src/base/errors.ts";
import { formatTime, parseQueryTime, parseTime } from "../../src/platform/time.ts";

const AT = Date.UTC(2024, 2, 10, 10, 0, 0);

describe("platform/time", () => {
  const good: [text: string, atMs: number][] = [
    ["2024-03-10T10:00:00.000Z", AT],
    ["2024-03-10T10:00:00Z", AT],
    ["2024-03-10T11:00:00+01:00", AT],
    ["2024-03-10T11:00:00.5+0100", AT + 500],
    ["2024-03-10T08:30:00-01:30", AT],
    ["2024-03-10T10:00:00.123456789Z", AT + 123],
    ["2024-03-10t10:00:00z", AT],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29)],
    ["0001-01-01T00:00:00Z", -62135596800000],
    ["0000-01-01T01:00:00+01:00", -62167219200000],
    ["9999-12-31T22:59:59.999-01:00", 253402300799999],
  ];
  for (const [text, atMs] of good) {
    it(`platform API 2.2: reads ${text}`, () => assert.equal(parseTime(text, "time"), atMs));
  }

  const bad: unknown[] = [
    "2024-03-10T10:00:00",
    "2024-03-10",
    "2024-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-03-10T24:00:00Z",
    "2024-03-10T10:60:00Z",
    "2024-03-10T10:00:00+19:00",
    "0000-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "yesterday",
    "",
    1710064800000,
    null,
    undefined,
    {},
  ];
  for (const value of bad) {
    it(`platform API 2.2: refuses ${JSON.stringify(value)} in a body`, () => {
      try {
        parseTime(value, "time");
        assert.fail("accepted");
      } catch (error) {
        assert.isTrue(isFailure(error, "VALIDATION"));
        assert.match((error as Error).message, /^time must be a time in ISO 8601/);
      }
    });
  }

  const inQueries: [text: string, atMs: number][] = [
    ["2024-03-10", Date.UTC(2024, 2, 10)],
    ["2024-03-10T10:00:00", AT],
    ["2024-03-10T10:00", AT],
    ["2024-03-10T11:00:00.000 01:00", AT],
    ["2024-03-10T11:00:00+01:00", AT],
    ["1970-01-01", 0],
  ];
  for (const [text, atMs] of inQueries) {
    it(`platform API 2.2: a query may say "${text}"`, () => assert.equal(parseQueryTime(text, "dateFrom"), atMs));
  }

  it("refuses what is no date in a query, naming the parameter", () => {
    assert.throws(() => parseQueryTime("soon", "dateFrom"), /^dateFrom must be a date/);
    assert.throws(() => parseQueryTime("2024-03-1", "dateTo"), /^dateTo must be a date/);
  });

  it("writes milliseconds with Z", () => assert.equal(formatTime(AT), "2024-03-10T10:00:00.000Z"));
});
