import { assert } from "chai";
import { createContributions } from "../../src/plugin-host/contributions.ts";

/** Names in force, each once. */
function createNames() {
  const taken = new Set<string>();
  const opener = (name: string) => () => {
    if (taken.has(name)) throw new Error(`${name} is taken`);
    taken.add(name);
    return { [Symbol.dispose]: () => void taken.delete(name) };
  };
  return { opener, names: () => [...taken].sort().join() };
}

describe("plugin-host/contributions", () => {
  it("are tried on when added, and in force all at once", () => {
    const { opener, names } = createNames();
    const own = createContributions("one");
    own.add(opener("a"));
    const gone = own.add(opener("b"));
    assert.equal(names(), "");
    assert.throws(() => own.add(opener("a")), "a is taken");
    gone[Symbol.dispose]();
    own.enforce();
    assert.equal(names(), "a");
    const late = own.add(opener("c"));
    assert.equal(names(), "a,c");
    late[Symbol.dispose]();
    late[Symbol.dispose]();
    own.withdraw();
    assert.equal(names(), "");
    own.enforce();
    assert.equal(names(), "a");
    own.close();
    assert.equal(names(), "");
    assert.throws(() => own.add(opener("d")), "not active any more");
  });

  it("the names of a former life are free for the next; those of others are not", () => {
    const { opener, names } = createNames();
    opener("other")();
    const former = createContributions("one");
    former.add(opener("a"));
    former.add(opener("b"));
    former.enforce();
    const next = createContributions("one", former);
    next.add(opener("a"));
    next.add(opener("c"));
    assert.throws(() => next.add(opener("other")), "other is taken");
    assert.equal(names(), "a,b,other");
    next.enforce(former);
    assert.equal(names(), "a,c,other");
    former.close();
    assert.equal(names(), "a,c,other");
  });

  it("an exchange that cannot be leaves the former life in force", () => {
    const { opener, names } = createNames();
    const former = createContributions("one");
    former.add(opener("a"));
    former.enforce();
    const next = createContributions("one", former);
    next.add(opener("a"));
    next.add(opener("b"));
    opener("b")();
    assert.throws(() => next.enforce(former), "b is taken");
    assert.equal(names(), "a,b");
    former.withdraw();
    assert.equal(names(), "b");
  });
});
