/** Code that means harm, or is as bad as if it did: what it does, and how that may end. */

/** Bodies of `decode`, and how they may end. */
export const BODIES: Readonly<Record<string, { readonly body: string; readonly ends: RegExp }>> = {
  // Time
  "an endless loop": { body: "while (true);", ends: /timeout/ },
  "a loop that catches everything": { body: "for (;;) { try { for (;;); } finally { continue; } }", ends: /timeout/ },
  "a catastrophic regular expression": { body: "/^(a+)+$/.test('a'.repeat(40) + '!')", ends: /timeout/ },
  "endless microtasks": {
    body: "const f = () => Promise.resolve().then(f); f(); return {};",
    ends: /timeout|memory|hostDied/,
  },
  "an async loop": { body: "(async () => { for (;;) await 0; })(); return {};", ends: /timeout|memory|hostDied/ },
  "a sort that never ends": { body: "[3, 1, 2].sort(() => { for (;;); })", ends: /timeout/ },
  "native code that takes long": { body: "BigInt('1'.repeat(2e7))", ends: /timeout|memory|hostDied/ },
  "deep recursion": { body: "const f = () => f() + 1; f();", ends: /threw: RangeError|timeout/ },
  // What is thrown and returned
  "a thrown proxy that never answers": { body: "throw new Proxy({}, { get() { for (;;); } });", ends: /timeout/ },
  "a thrown object with an endless message": { body: "throw { get message() { for (;;); } };", ends: /timeout/ },
  "a thrown object with an endless toString": {
    body: "throw { name: 'a', message: { toString() { for (;;); } } };",
    ends: /timeout/,
  },
  "a thrown object whose message throws": { body: "throw { get message() { throw this; } };", ends: /threw/ },
  "a rejection with such a proxy": {
    body: "Promise.reject(new Proxy({}, { get() { for (;;); } })); return { success: true };",
    ends: /^ok$|timeout|hostDied/,
  },
  "a result with endless getters": { body: "return { get success() { for (;;); } };", ends: /timeout/ },
  "a result that is a proxy without end": {
    body: "return new Proxy({}, { ownKeys() { for (;;); }, getPrototypeOf() { for (;;); } });",
    ends: /timeout/,
  },
  "a result that grows while it is read": {
    body: "const grow = { get a() { return { ...Object.getOwnPropertyDescriptors(grow), a: grow }; } }; return grow;",
    ends: /invalidResult/,
  },
  "a cyclic result": { body: "const a = { success: true }; a.a = [a]; return a;", ends: /invalidResult/ },
  "a huge text as result": {
    body: "return { success: true, message: 'x'.repeat(5e8) };",
    ends: /invalidResult|memory/,
  },
  "a huge list as result": {
    body: "return { success: true, events: Array(1e7) };",
    ends: /invalidResult|memory|timeout/,
  },
  "a text that counts itself": {
    body: "return { success: true, message: { toJSON: () => 'x'.repeat(5e8) } };",
    ends: /invalidResult|memory|timeout|threw/,
  },
  // Memory
  "an array bomb": { body: "new Array(3e8).fill(0)", ends: /timeout|memory|hostDied/ },
  "a split bomb": { body: "'x'.repeat(2 ** 29 - 30).split('')", ends: /timeout|memory|hostDied/ },
  "a replace bomb": { body: "'a'.repeat(1e6).replace(/a/g, 'b'.repeat(1e3))", ends: /threw|timeout|memory|hostDied/ },
  "a JSON text bomb": { body: "JSON.stringify('x'.repeat(5e8))", ends: /threw|timeout|memory|hostDied/ },
  "a JSON depth bomb": { body: "JSON.parse('['.repeat(1e7))", ends: /threw|timeout|memory|hostDied/ },
  "objects without end": { body: "const a = []; for (;;) a.push({ a: 1 });", ends: /timeout|memory|hostDied/ },
  "a map without end": {
    body: "const m = new Map(); for (let i = 0; ; i++) m.set('k' + i, 's' + i);",
    ends: /timeout|memory|hostDied/,
  },
  "typed arrays without end": {
    body: "const a = []; for (;;) a.push(new Float64Array(1e6).fill(1));",
    ends: /threw|timeout|memory|hostDied/,
  },
  "a text that doubles": {
    body: "let a = 'ab'; for (;;) a = (a + a).toUpperCase();",
    ends: /threw|timeout|memory|hostDied/,
  },
  "a pattern that needs memory": {
    body: "new RegExp('(' + 'a?'.repeat(5e4) + ')*b').test('a'.repeat(5e4))",
    ends: /threw|timeout|memory|hostDied|invalidResult/,
  },
  "a JSON list bomb": {
    body: "JSON.parse('[' + '{},'.repeat(3e6) + '{}]')",
    ends: /threw|timeout|memory|hostDied|invalidResult/,
  },
  // Ways out
  "a timer": { body: "setTimeout(() => { for (;;); }, 0)", ends: /threw/ },
  "an interval": { body: "setInterval(() => {}, 0)", ends: /threw/ },
  "a file": { body: "require('fs').readFileSync('/etc/passwd')", ends: /threw/ },
  "a module at run time": { body: "return import('node:fs')", ends: /invalidResult|threw|timeout/ },
  "a socket": { body: "fetch('http://127.0.0.1/')", ends: /threw/ },
  "the environment": { body: "process.env.PATH", ends: /threw/ },
  "the engine by a stack trace": {
    body: "Error.prepareStackTrace = (_, sites) => sites; return { success: sites => new Error().stack[0].getFunction() };",
    ends: /invalidResult|threw/,
  },
  "a spoilt Object.prototype": {
    body: "Object.prototype.success = true; Object.prototype.toJSON = () => { for (;;); }; return {};",
    ends: /timeout|invalidResult|threw/,
  },
  "a spoilt Array.prototype": {
    body: "Object.defineProperty(Array.prototype, '0', { get() { for (;;); }, set() { for (;;); } }); return { success: true, events: [,] };",
    ends: /timeout|invalidResult|threw/,
  },
  "a BigInt bomb": { body: "let a = 2n; for (;;) a *= a;", ends: /threw|timeout|memory|hostDied/ },
};

/** Expressions that must give nothing worth having. */
export const HUNTS: readonly string[] = [
  "typeof process",
  "typeof require",
  "typeof globalThis.ivm",
  "input.constructor.constructor('return typeof process')()",
  "(function () { return typeof this?.process; })()",
  "(async () => {}).constructor('return process')().catch(() => {}) && 'undefined'",
  "(function* () {}).constructor('return typeof require')().next().value",
  "Object.getPrototypeOf(function* () {}).constructor('yield typeof process')().next().value",
  "(() => { try { null.x; } catch (e) { return e.constructor.constructor('return typeof process')(); } })()",
  "(() => { Error.prepareStackTrace = (_, sites) => typeof sites[0].getThis()?.process; return new Error().stack; })()",
  "typeof this.constructor.constructor('return globalThis')().process",
  "typeof arguments.callee?.caller",
];

/** Sources that do their harm when they are loaded. */
export const TOP_LEVELS: Readonly<Record<string, string>> = {
  "an endless loop": "for (;;); export default {};",
  "a thrown proxy that never answers": "throw new Proxy({}, { get() { for (;;); } }); export default {};",
  "an array bomb": "new Array(3e8).fill(0); export default {};",
  "a source that its type stripper does not survive": `export default ${"(".repeat(20_000)}1${")".repeat(20_000)};`,
};
