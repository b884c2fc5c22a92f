/** Words of a text for full text search: any of them finds the object, in any case (platform API 5.3). */

const BETWEEN_WORDS = /[^\p{L}\p{N}\p{M}_]+/u;
const MOST_WORDS = 100;

/** In lower case, each once, at most 100. `urn:imei:49-01` has the words `urn`, `imei`, `49` and `01`. */
export function wordsOf(text: string): string[] {
  const words = new Set(text.toLowerCase().split(BETWEEN_WORDS));
  words.delete("");
  return [...words].slice(0, MOST_WORDS);
}
