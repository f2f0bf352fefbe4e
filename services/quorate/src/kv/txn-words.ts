import { usageError } from "../command-error";

/**
 * The words of a line: separated by spaces, or in double quotes (where `\"`, `\\`, `\n` and `\t` mean what they do in
 * most languages), or in single quotes (where nothing has a meaning). Quoted parts join what they touch.
 *
 * @throws {CommandError} A quote is not closed.
 */
export function words(line: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length;) {
    const character = line[at]!;
    if (character === '"' || character === "'") {
      const end = closingQuote(line, at);
      word = (word ?? "") + unquoted(line.slice(at, end + 1));
      at = end + 1;
    } else if (character === " " || character === "\t") {
      if (word !== undefined) found.push(word);
      word = undefined;
      at += 1;
    } else {
      word = (word ?? "") + character;
      at += 1;
    }
  }
  if (word !== undefined) found.push(word);
  return found;
}

/** One string, in quotes or not. @throws {CommandError} It goes on after its closing quote. */
export function quotedString(text: string): string {
  const quote = text[0];
  if (quote !== '"' && quote !== "'") return text;
  const end = closingQuote(text, 0);
  if (end !== text.length - 1) throw usageError(`txn: ${text} goes on after its closing quote.`);
  return unquoted(text);
}

function closingQuote(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === quote) return at;
    if (text[at] === "\\" && quote === '"') at += 1; // the next character is escaped, a quote included
  }
  throw usageError(`txn: a quote in ${text} is not closed.`);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t" };

function unquoted(text: string): string {
  const inner = text.slice(1, -1);
  if (text.startsWith("'")) return inner;
  return inner.replaceAll(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}
