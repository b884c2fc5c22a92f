/**
 * Patterns from outside, matched within a time limit: a pattern that backtracks without end must not hold the process. The limit
 * is enforced by the engine, in a context that holds nothing but pattern and text.
 */
import { createContext, Script } from "node:vm";
import { MooringError } from "./errors.ts";

const MATCH = new Script("new RegExp(pattern).test(text)");
const TIMED_OUT = "ERR_SCRIPT_EXECUTION_TIMEOUT";

/** Whether `pattern` is a regular expression (ECMAScript, no flags). */
export function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}

/**
 * Whether all of `text` matches `pattern`.
 * @param pattern   as {@link isPattern} has it
 * @param timeoutMs whole milliseconds, at least 1
 * @throws MooringError VALIDATION for no pattern, OVERLOADED when matching took too long
 */
export function isWholeMatch(pattern: string, text: string, timeoutMs: number): boolean {
  const shown = pattern.length > 100 ? `${pattern.slice(0, 100)}...` : pattern;
  if (!isPattern(pattern))
    throw new MooringError("VALIDATION", `"${shown}" is no regular expression`, { pattern: shown });
  const context = createContext({ __proto__: null, pattern: `^(?:${pattern})$`, text });
  try {
    return MATCH.runInContext(context, { timeout: timeoutMs }) === true;
  } catch (error) {
    // Errors of another context are no instances of this one's `Error`.
    if ((error as { readonly code?: unknown } | null)?.code !== TIMED_OUT) throw error;
    throw new MooringError("OVERLOADED", `"${shown}" took more than ${timeoutMs} ms to match`, {
      pattern: shown,
      timeoutMs,
    });
  }
}
