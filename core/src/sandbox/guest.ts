/**
 * What runs inside an isolate beside the decoder. `guest` is never called here: its text is compiled in the isolate before
 * the decoder's module runs, so it may use nothing from outside itself but its few numbers. Rules it keeps
 * (they close holes of the engine, not only of taste):
 * - strings in, one string out, so that no handle of the engine ever reaches the decoder;
 * - whatever the decoder throws is caught and turned into text here, within the time limit: the engine's own conversion of a
 *   thrown proxy runs outside it and never ends;
 * - it keeps the functions it needs from before the decoder could replace them;
 * - results are weighed before they are written, so that a wrong one is refused with a reason and not with a dead process.
 */

export interface GuestLimits {
  readonly outputCharacters: number;
  readonly outputDepth: number;
  readonly messageCharacters: number;
  readonly consoleLines: number;
  readonly consoleCharacters: number;
}

interface Accepted {
  /** JSON of `GuestItem[]`, their bytes joined as Latin-1; gives what `splitGuestOutput` reads. */
  run(items: string, bytes: string): string;
  /** The same, and what is printed meanwhile is kept. */
  runPrinting(items: string, bytes: string): string;
  /** JSON array of texts: what the last `runPrinting` printed, also one that was cut off. */
  printed(): string;
}

function guest(limits: GuestLimits): { accept(decoder: { readonly default?: unknown }): Accepted } {
  interface Item {
    readonly bytes: number;
    readonly resourcePath: string;
    readonly resourceType: string;
    readonly receivedAt: string;
    readonly sourceDeviceId: string;
    readonly device: unknown;
  }
  const { parse, stringify } = JSON;
  const { apply } = Reflect;
  const { defineProperty, getPrototypeOf } = Object;
  const { isArray } = Array;
  const text = String;
  const Bytes = Uint8Array;
  const Failure = Error;
  const Refusal = class extends TypeError {};
  const promiseThen = Promise.prototype.then;
  const promisePrototype = Promise.prototype;
  const nothing = (): void => {};
  const hex: string[] = [];
  for (let byte = 0; byte < 256; byte++) hex[byte] = (byte < 16 ? "0" : "") + byte.toString(16);

  // Shared memory, blocking waits, finalizers and the second compiler have no place in a pure function.
  const world = globalThis as unknown as Record<string, unknown>;
  for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry", "WeakRef"]) {
    delete world[name];
  }
  Reflect.deleteProperty(Object.prototype, "__proto__");
  /** JSON texts of what was printed, each followed by a comma. */
  let printed = "";
  let printing = false;
  let lines = 0;
  let room = 0;
  const keepLine = (line: string): void => {
    const kept = line.slice(0, room);
    printed += `${stringify(kept)},`;
    room -= kept.length;
    lines++;
  };
  const print = (...values: unknown[]): void => {
    if (!printing) return;
    let line = "";
    for (let at = 0; at < values.length && line.length <= room; at++) line += (at > 0 ? " " : "") + shown(values[at]);
    const isLast = lines >= limits.consoleLines - 1 || line.length > room;
    if (lines < limits.consoleLines - 1) keepLine(line);
    if (!isLast) return;
    printing = false;
    printed += `${stringify("(more was printed)")},`;
  };
  world["console"] = { log: print, info: print, warn: print, error: print, debug: print, trace: print };
  // The reading of bytes below must not be slowed down or falsified by a replaced method.
  defineProperty(String.prototype, "charCodeAt", { writable: false, configurable: false });
  defineProperty(String.prototype, "slice", { writable: false, configurable: false });

  const refuse = (why: string): never => {
    throw new Refusal(why);
  };

  /** What is left of `left` characters after writing `value`, roughly; refuses what is too large or too deep. */
  const weigh = (value: unknown, left: number, depth: number): number => {
    if (typeof value === "string") left -= value.length + 2;
    else if (typeof value === "bigint") refuse("the result holds a BigInt, which is no JSON value");
    else if (typeof value !== "object" || value === null) left -= 1;
    else if (depth > limits.outputDepth) refuse(`the result is nested deeper than ${limits.outputDepth} levels`);
    else if (isArray(value)) {
      left -= value.length + 2;
      for (let at = 0; at < value.length && left >= 0; at++) left = weigh(value[at], left, depth + 1);
    } else {
      left -= 2;
      for (const name in value) {
        if (left < 0) break;
        left = weigh((value as Record<string, unknown>)[name], left - name.length - 4, depth + 1);
      }
    }
    return left < 0 ? refuse(`the result is larger than ${limits.outputCharacters} characters`) : left;
  };

  /** A value as a person may want to read it; it may be anything, so this may fail in any way but must not throw. */
  const shown = (value: unknown): string => {
    try {
      if (typeof value !== "object" || value === null) return text(value);
      if (value instanceof Failure) return `${text(value.name)}: ${text(value.message)}`;
      weigh(value, limits.consoleCharacters, 1);
      return text(stringify(value));
    } catch (thrown) {
      return thrown instanceof Refusal ? "(a value too large or too deep to print)" : "(a value that cannot be shown)";
    }
  };

  const write = (result: unknown): string => {
    if (typeof result !== "object" || result === null) {
      return refuse(`decode must return an object, not ${result === null ? "null" : typeof result}`);
    }
    if (getPrototypeOf(result) === promisePrototype) {
      apply(promiseThen, result, [nothing, nothing]);
      return refuse("decode must return its result itself, not a promise");
    }
    weigh(result, limits.outputCharacters, 1);
    const written = stringify(result) as string | undefined;
    if (typeof written !== "string" || written[0] !== "{") return refuse("the result is no JSON object");
    if (written.length > limits.outputCharacters) {
      refuse(`the result is larger than ${limits.outputCharacters} characters`);
    }
    return written;
  };

  /** JSON of what was thrown: a text, or `{refused}` where the result broke a rule of this file. What hides behind getters and proxies may throw again, or run into the time limit. */
  const describe = (thrown: unknown): string => {
    let description = "an exception that cannot be shown";
    try {
      if (typeof thrown === "object" && thrown !== null) {
        const { name, message } = thrown as { name?: unknown; message?: unknown };
        if (thrown instanceof Refusal) return stringify({ refused: text(message) });
        description = `${text(name)}: ${text(message)}`;
      } else description = `thrown: ${text(thrown)}`;
    } catch {}
    return stringify(description.slice(0, limits.messageCharacters));
  };

  const digitsOf = (value: Uint8Array): string => {
    let digits = "";
    for (let at = 0; at < value.length; at++) digits += hex[value[at]!];
    return digits;
  };
  /** Digits are made when they are asked for where that costs something: a getter costs as much as 100 of them. */
  const inputOf = (item: Item, value: Uint8Array): object => {
    const { resourcePath, resourceType, receivedAt, sourceDeviceId, device } = item;
    if (value.length <= 64) {
      const valueHex = digitsOf(value);
      return { value, valueHex, resourcePath, resourceType, receivedAt, sourceDeviceId, device };
    }
    let digits: string | undefined;
    return {
      value,
      get valueHex() {
        digits ??= digitsOf(value);
        return digits;
      },
      resourcePath,
      resourceType,
      receivedAt,
      sourceDeviceId,
      device,
    };
  };

  return {
    accept(module) {
      const decoder = module.default as { decode?: unknown } | null | undefined;
      if (typeof decoder !== "object" || decoder === null) {
        return refuse("the module has no default export of the form { decode(input) }");
      }
      const { decode } = decoder;
      if (typeof decode !== "function") return refuse("the default export has no function `decode`");
      const decodeOne = (item: Item, value: Uint8Array): string => {
        try {
          return write(apply(decode, decoder, [inputOf(item, value)]));
        } catch (thrown) {
          return `-${describe(thrown)}`;
        }
      };
      const decodeAll = (itemsText: string, bytes: string): string => {
        const items = parse(itemsText) as Item[];
        let lengths = "";
        let texts = "";
        let from = 0;
        for (let index = 0; index < items.length; index++) {
          const item = items[index]!;
          const value = new Bytes(item.bytes);
          for (let at = 0; at < item.bytes; at++) value[at] = bytes.charCodeAt(from + at);
          from += item.bytes;
          const written = decodeOne(item, value);
          const failed = written.charCodeAt(0) === 45;
          lengths += `${index > 0 ? "," : ""}${failed ? 1 - written.length : written.length}`;
          texts += failed ? written.slice(1) : written;
        }
        return `${lengths}\n${texts}`;
      };
      return {
        run(items, bytes) {
          printing = false;
          return decodeAll(items, bytes);
        },
        runPrinting(items, bytes) {
          printed = "";
          lines = 0;
          room = limits.consoleCharacters;
          printing = true;
          return decodeAll(items, bytes);
        },
        printed: () => `[${printed.slice(0, -1)}]`,
      };
    },
  };
}

/** Source of a module that exports `accept`. */
export const guestModuleSource = (limits: GuestLimits): string =>
  `export const { accept } = (${guest.toString()})(${JSON.stringify(limits)});`;
