/** One host for the tests of a mocha suite, and its output where one of them fails. */
import { type Api, api } from "./api.ts";
import { type Host, type HostOptions, startHost } from "./host.ts";

export interface HostInTest {
  /** The host, from `before` on. */
  readonly host: Host;
  readonly api: Api;
  /** Called for a failed test beside the host's own output; for peers. */
  onFailure(tail: () => string): void;
}

const START_WITHIN_MS = 40_000;

/** Starts a host before the suite it is called in and ends it after. */
export function withHost(options: HostOptions = {}): HostInTest {
  let host: Host | undefined;
  let client: Api | undefined;
  const others: (() => string)[] = [];

  before(async function () {
    this.timeout(START_WITHIN_MS);
    host = await startHost(options);
    client = api(host);
  });
  afterEach(function () {
    const failed = this.currentTest?.state === "failed";
    if (failed) console.error(`    -- the host's last lines\n${host?.tail()}`);
    for (const tail of others.splice(0)) if (failed) console.error(`    -- its peer's last lines\n${tail()}`);
  });
  after(async () => {
    await host?.[Symbol.asyncDispose]();
  });

  return {
    get host() {
      return host!;
    },
    get api() {
      return client!;
    },
    onFailure: tail => void others.push(tail),
  };
}
