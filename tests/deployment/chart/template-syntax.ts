/** What stands in a pipeline where a value is needed. */
export type Operand =
  | { readonly kind: "literal"; readonly value: unknown }
  /** `.a.b`, `$.a`, `$name.a`; without a variable the dot is meant. */
  | { readonly kind: "path"; readonly variable: string | undefined; readonly fields: readonly string[] }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline };

export interface Command {
  /** Of a function; a command without one is its only operand. */
  readonly name: string | undefined;
  readonly operands: readonly Operand[];
}

/** Each command takes the value of the one before as its last operand. */
export type Pipeline = readonly Command[];

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipeline: Pipeline }
  | { readonly kind: "set"; readonly variable: string; readonly isNew: boolean; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with" | "range";
      readonly variables: readonly string[];
      readonly pipeline: Pipeline;
      readonly then: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** Templates by name; a file's own text is under the file's name. */
export type Templates = Map<string, readonly Node[]>;

const ACTION = /\{\{(-\s)?\s*((?:\/\*[\s\S]*?\*\/)|(?:"(?:[^"\\]|\\.)*"|[^"}])*?)\s*(\s-)?\}\}/g;
const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|:=|[=|(),]|-?\d+|\$?(?:\.?[A-Za-z_]\w*)(?:\.\w+)*|\$(?:\.\w+)*|\./gy;

interface Piece {
  readonly kind: "text" | "action";
  readonly text: string;
}

/**
 * Reads the part of Go's template language that the chart uses, and refuses the rest: so what it takes has the meaning it has there.
 *
 * @throws {Error} It cannot be read; the message names the file.
 */
export function parseTemplate(file: string, text: string, into: Templates): void {
  const parser = new Parser(file, piecesOf(text), into);
  into.set(file, parser.file());
}

function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimsNext = false;
  const addText = (raw: string, trimsEnd: boolean): void => {
    let kept = trimsNext ? raw.trimStart() : raw;
    if (trimsEnd) kept = kept.trimEnd();
    if (kept !== "") pieces.push({ kind: "text", text: kept });
  };
  for (const match of text.matchAll(ACTION)) {
    addText(text.slice(at, match.index), match[1] !== undefined);
    pieces.push({ kind: "action", text: match[2]! });
    trimsNext = match[3] !== undefined;
    at = match.index + match[0].length;
  }
  addText(text.slice(at), false);
  return pieces;
}

class Parser {
  #at = 0;

  constructor(
    private readonly name: string,
    private readonly pieces: readonly Piece[],
    private readonly into: Templates,
  ) {}

  file(): readonly Node[] {
    const { nodes, ending } = this.#block();
    if (ending !== undefined) throw this.#fault(`{{ ${ending} }} ends nothing`);
    return nodes;
  }

  #block(): { readonly nodes: readonly Node[]; readonly ending: string | undefined } {
    const nodes: Node[] = [];
    while (this.#at < this.pieces.length) {
      const { kind, text } = this.pieces[this.#at++]!;
      if (kind === "text") {
        if (text.includes("{{") || text.includes("}}")) throw this.#fault(`cannot read ${text.trim()}`);
        nodes.push({ kind, text });
      } else if (text.startsWith("/*")) continue;
      else if (/^(end|else( if .*)?)$/s.test(text)) return { nodes, ending: text };
      else nodes.push(...this.#action(text));
    }
    return { nodes, ending: undefined };
  }

  #action(text: string): Node[] {
    const words = this.#tokens(text);
    const [first = ""] = words;
    if (first === "define") {
      const { nodes, ending } = this.#block();
      if (ending !== "end") throw this.#fault(`${text} has no end`);
      this.into.set(JSON.parse(words[1]!) as string, nodes);
      return [];
    }
    if (first === "if" || first === "with" || first === "range") return [this.#branch(first, words.slice(1))];
    const operator = words[1];
    if (first.startsWith("$") && (operator === ":=" || operator === "=")) {
      const pipeline = this.#pipeline(words.slice(2));
      return [{ kind: "set", variable: first.slice(1), isNew: operator === ":=", pipeline }];
    }
    return [{ kind: "print", pipeline: this.#pipeline(words) }];
  }

  #branch(kind: "if" | "with" | "range", words: readonly string[]): Node {
    const declares = words.indexOf(":=");
    const variables = words.slice(0, Math.max(0, declares)).filter((word) => word !== ",");
    const pipeline = this.#pipeline(words.slice(declares + 1));
    const { nodes: then, ending } = this.#block();
    let otherwise: readonly Node[] = [];
    if (ending?.startsWith("else if ") === true) {
      otherwise = [this.#branch("if", this.#tokens(ending.slice("else if ".length)))];
    } else if (ending === "else") {
      const last = this.#block();
      if (last.ending !== "end") throw this.#fault(`${kind} has no end`);
      otherwise = last.nodes;
    } else if (ending !== "end") throw this.#fault(`${kind} has no end`);
    return { kind, variables: variables.map((word) => word.slice(1)), pipeline, then, otherwise };
  }

  #pipeline(words: readonly string[]): Pipeline {
    const left = [...words];
    const pipeline = this.#commands(left);
    if (left.length > 0) throw this.#fault(`cannot read ${words.join(" ")}`);
    return pipeline;
  }

  #commands(words: string[]): Pipeline {
    const commands: { name: string | undefined; operands: Operand[] }[] = [{ name: undefined, operands: [] }];
    while (words.length > 0 && words[0] !== ")") {
      const word = words.shift()!;
      const command = commands.at(-1)!;
      if (word === "|") commands.push({ name: undefined, operands: [] });
      else if (word === "(") {
        command.operands.push({ kind: "pipeline", pipeline: this.#commands(words) });
        if (words.shift() !== ")") throw this.#fault("a parenthesis stays open");
      } else if (/^[A-Za-z]/.test(word) && !["true", "false"].includes(word)) {
        if (command.name !== undefined || command.operands.length > 0)
          throw this.#fault(`${word} stands where a value is needed`);
        command.name = word;
      } else command.operands.push(this.#operand(word));
    }
    return commands;
  }

  #operand(word: string): Operand {
    if (/^["-\d]|^(true|false)$/.test(word)) return { kind: "literal", value: JSON.parse(word) };
    if (word === ".") return { kind: "path", variable: undefined, fields: [] };
    const [head = "", ...fields] = word.split(".");
    if (head === "") return { kind: "path", variable: undefined, fields };
    if (head.startsWith("$")) return { kind: "path", variable: head.slice(1), fields };
    throw this.#fault(`cannot read ${word}`);
  }

  #tokens(text: string): string[] {
    const tokens = [...text.matchAll(TOKEN)].map(([token]) => token);
    if (tokens.join("") !== text) throw this.#fault(`cannot read {{ ${text} }}`);
    return tokens.filter((token) => token.trim() !== "");
  }

  #fault(what: string): Error {
    return new Error(`${this.name}: ${what}`);
  }
}
