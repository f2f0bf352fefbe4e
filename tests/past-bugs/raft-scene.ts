import { parseCommand } from "@quorate/testing";
import { InteractionEnvironment } from "../../libs/raft/src/testing/interaction-environment";

/** Raft cores that do what a test says in the words of `libs/raft/src/testdata`. */
export class RaftScene {
  readonly #environment = new InteractionEnvironment();
  #line = 0;

  constructor(...commands: readonly string[]) {
    this.play(...commands);
  }

  /** Performs commands, one after the other. @returns What came of them, line by line. */
  play(...commands: readonly string[]): string[] {
    return commands.flatMap((text) => {
      const output = this.#environment.run(parseCommand(text, (this.#line += 1)));
      return output.split("\n").filter((line) => line !== "");
    });
  }

  /** The line that tells where a member stands: role, term, vote, leader, log, commit and applied index. */
  status(member: string): string {
    return this.play(`status ${member}`)[0]!;
  }
}

/** Those of `lines` that hold all of `words`. */
export function linesWith(lines: readonly string[], ...words: readonly string[]): string[] {
  return lines.filter((line) => words.every((word) => line.includes(word)));
}
