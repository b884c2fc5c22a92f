import { assert } from "chai";
import { judgeHost, type OpenCall } from "../../src/sandbox/host-watch.ts";
import { createProcessReader, parseProcessStat } from "../../src/sandbox/process-stat.ts";

const RSS_LIMIT = 100 * 2 ** 20;
const call = (): OpenCall => ({ sinceMs: 1000, wallMs: 900, cpuFromMs: 50 });

describe("sandbox/host-watch", () => {
  const cases: [what: string, stat: { rssBytes: number; cpuMs: number } | undefined, nowMs: number, reason?: string][] =
    [
      ["within its time", { rssBytes: 0, cpuMs: 2000 }, 1900],
      ["late, and busy all the time", { rssBytes: 0, cpuMs: 950 }, 1901, "timeout"],
      ["late, but it hardly got the processor", { rssBytes: 0, cpuMs: 60 }, 1901],
      ["four times as late without the processor", { rssBytes: 0, cpuMs: 60 }, 4601, "timeout"],
      ["late where nothing tells its processor time", undefined, 1901, "timeout"],
      ["over the memory limit", { rssBytes: RSS_LIMIT + 1, cpuMs: 0 }, 1001, "memory"],
    ];
  for (const [what, stat, nowMs, reason] of cases) {
    it(`${reason ? "ends" : "spares"} a host that is ${what}`, () => {
      assert.equal(judgeHost([call()], stat, nowMs, RSS_LIMIT)?.reason, reason);
    });
  }

  it("counts processor time from its first look at a call", () => {
    const fresh: OpenCall = { sinceMs: 0, wallMs: 100, cpuFromMs: undefined };
    assert.isUndefined(judgeHost([fresh], { rssBytes: 0, cpuMs: 5000 }, 10, RSS_LIMIT));
    assert.equal(fresh.cpuFromMs, 5000);
    assert.isUndefined(judgeHost([fresh], { rssBytes: 0, cpuMs: 5010 }, 150, RSS_LIMIT));
    assert.equal(judgeHost([fresh], { rssBytes: 0, cpuMs: 5090 }, 150, RSS_LIMIT)?.reason, "timeout");
  });
});

describe("sandbox/process-stat", () => {
  it("proc_pid_stat(5): reads past a command with blanks and brackets", () => {
    const fields = Array.from({ length: 49 }, (_, index) => String(index + 4)).join(" ");
    assert.deepEqual(parseProcessStat(`42 (my (odd) name) S ${fields}\n`), { rssPages: 24, cpuMs: (14 + 15) * 10 });
  });

  for (const text of ["", "42 (cut) S 1 2", "no brackets at all"]) {
    it(`knows nothing from "${text}"`, () => assert.isUndefined(parseProcessStat(text)));
  }

  it("reads this very process, or says that the platform does not tell", () => {
    const reader = createProcessReader();
    assert.equal(reader === undefined, process.platform !== "linux");
    if (!reader) return;
    const rssBytes = reader.read(process.pid)!.rssBytes;
    assert.isAbove(rssBytes, process.memoryUsage.rss() / 2);
    assert.isBelow(rssBytes, process.memoryUsage.rss() * 2);
    assert.isUndefined(reader.read(2 ** 22 + 1));
  });
});
