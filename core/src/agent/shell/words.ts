/** A command line read from left to right, each word with its place, and refusals that point at a word. Pure. */
import { type FailureCode, MooringError } from "../../base/errors.ts";

export interface Word {
  readonly text: string;
  /** Place of its first character in the line, from 0; -1 for what stands in none. */
  readonly at: number;
  /** Characters that it takes up in the line, more than in `text` where it was quoted. */
  readonly length: number;
}

/** What {@link refuse} puts into the details of its error; `position` counts from 1. */
export interface Place {
  readonly word: string;
  readonly position: number;
  readonly length: number;
}

/**
 * A refusal of one word.
 * @param message without the word, such as "is no path"; `rule` is what it should have been
 * @returns MooringError with `details {word, position, length, rule}`; position and length where the word stands in a line
 */
export function refuse(word: Word, message: string, rule: string, code: FailureCode = "VALIDATION"): MooringError {
  const { text, at, length } = word;
  const shown = text.length > 60 ? `${text.slice(0, 60)}...` : text;
  const subject = text === "" ? "" : `"${shown}" `;
  if (at < 0) return new MooringError(code, `${subject}${message}: ${rule}`, { word: shown, rule });
  const place = { position: at + 1, length: Math.max(1, length) };
  return new MooringError(code, `${subject}${message} (character ${at + 1}): ${rule}`, { word: shown, ...place, rule });
}

/** A text that stands in no line. */
export const wordOf = (text: string): Word => ({ text, at: -1, length: text.length });

/** Part of a word, for refusals of what stands inside of one. */
export const part = (word: Word, from: number, length: number): Word => ({
  text: word.text.slice(from, from + length),
  at: word.at + from,
  length,
});

const ESCAPE = /\\(["\\])/g;
/** A whole text in double quotes, `\"` and `\\` inside. */
const QUOTED = /"(?:[^"\\]|\\.)*"/y;

const unquoted = (text: string): string => text.slice(1, -1).replace(ESCAPE, "$1");

export interface Words {
  /** The next word; an empty one at the end. */
  next(): Word;
  /** The same, where double quotes hold blanks together. @throws MooringError VALIDATION for a quote without its end */
  nextQuoted(): Word;
  /** What is left, without blanks around it. */
  rest(): Word;
  /** The same; one text in double quotes is taken without them, so that it may be empty or begin with a blank. */
  restQuoted(): Word;
}

export function readWords(line: string): Words {
  let at = 0;

  const skipBlanks = (): void => {
    while (at < line.length && /\s/.test(line[at]!)) at++;
  };
  const take = (end: number): Word => {
    const word = { text: line.slice(at, end), at, length: end - at };
    at = end;
    return word;
  };
  function next(): Word {
    skipBlanks();
    const blank = line.slice(at).search(/\s/);
    return take(blank < 0 ? line.length : at + blank);
  }
  /** End of the quoted text that begins here; undefined: none begins, or it does not end. */
  function quoteEnd(): number | undefined {
    QUOTED.lastIndex = at;
    return QUOTED.test(line) ? QUOTED.lastIndex : undefined;
  }
  function rest(): Word {
    skipBlanks();
    return take(at + line.slice(at).trimEnd().length);
  }

  return {
    next,
    rest,
    nextQuoted() {
      skipBlanks();
      if (line[at] !== '"') return next();
      const end = quoteEnd();
      if (end === undefined) throw refuse(rest(), "has no end", 'close it with "');
      if (end < line.length && !/\s/.test(line[end]!)) {
        throw refuse(next(), "goes on after its end", 'a blank after the closing ", and \\" for a " inside');
      }
      const word = take(end);
      return { ...word, text: unquoted(word.text) };
    },
    restQuoted() {
      skipBlanks();
      const end = quoteEnd();
      const word = rest();
      return end === word.at + word.length ? { ...word, text: unquoted(word.text) } : word;
    },
  };
}

/** The place of a refusal, where it names one. */
export function placeOf({ details }: MooringError): Place | undefined {
  const { word, position, length } = details as Partial<Place>;
  return word !== undefined && position !== undefined && length !== undefined ? { word, position, length } : undefined;
}

const SHOWN_BEFORE = 60;
const SHOWN = 100;

/**
 * The line with carets under the word that a refusal names, then the refusal; only that for any other error. A long line is shown
 * around the word.
 */
export function pointed(line: string, error: MooringError): string {
  const place = placeOf(error);
  if (!place || /[\r\n]/.test(line)) return error.message;
  const at = place.position - 1;
  const from = at > SHOWN_BEFORE ? at - SHOWN_BEFORE / 2 : 0;
  const before = from > 0 ? "..." : "";
  const after = line.length > from + SHOWN ? "..." : "";
  // A tab stays one, so that the carets stand under the word at every width of it.
  const pad = `${before}${line.slice(from, at).padEnd(at - from)}`.replace(/[^\t]/g, " ");
  const width = Math.min(place.length, Math.max(1, from + SHOWN - at));
  return `${before}${line.slice(from, from + SHOWN)}${after}\n${pad}${"^".repeat(width)}\n${error.message}`;
}
