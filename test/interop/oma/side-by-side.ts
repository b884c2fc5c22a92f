/** Tests that wait most of their time: all of a suite begin together, and each is reported as a test of its own. */

/**
 * @returns `it` for the suite that this is called in; what a test does begins after the suite's `before` hooks, in their order. It returns
 *          the end of that test, for others that build on it.
 */
export function sideBySide(): (title: string, run: () => Promise<void>) => () => Promise<void> {
  const runs = new Map<string, () => Promise<void>>();
  const begun = new Map<string, Promise<void>>();
  before(() => {
    for (const [title, run] of runs) {
      const ends = run();
      // Its failure is that of its own test, whenever that looks.
      ends.catch(() => {});
      begun.set(title, ends);
    }
  });
  return (title, run) => {
    const ends = (): Promise<void> => begun.get(title)!;
    runs.set(title, run);
    it(title, ends);
    return ends;
  };
}
