import { temporaryFolder } from "../harness/temporary-folder";
import { missingLines, StepError, stepsOf, WalkThroughShell } from "./walk-through";

const page = `# Page

\`\`\`sh
# first
a=1
\`\`\`

Then

\`\`\`sh
echo "$a" two
\`\`\`

\`\`\`text
1 …
\`\`\`

\`\`\`ts
not a command
\`\`\`
`;

describe("a page of commands", () => {
  it("is its shell blocks, with the output that is shown behind them", () => {
    expect(stepsOf(page)).toEqual([
      { title: "a=1", commands: "# first\na=1\n", expected: undefined },
      { title: 'echo "$a" two', commands: 'echo "$a" two\n', expected: "1 …\n" },
    ]);
  });

  it("is compared line by line, in order", () => {
    expect(missingLines("a …\n… c", "noise\na  x\nb c\n")).toEqual([]);
    expect(missingLines("a …\nc", "c\na x\n")).toEqual(["c"]);
    expect(missingLines("a.c", "abc")).toEqual(["a.c"]);
  });

  it("keeps variables from block to block, and stops at what fails", async () => {
    await using folder = await temporaryFolder("walk-through");
    await using shell = new WalkThroughShell({
      directory: folder.path,
      scratch: folder.path,
      environment: {},
    });
    const printed: string[] = [];
    for (const step of stepsOf(page)) printed.push(await shell.run(step, 10_000));
    expect(printed).toEqual(["", "1 two\n"]);
    const failing = { title: "false", commands: "echo before\nfalse\necho after\n", expected: undefined };
    await expect(shell.run(failing, 10_000)).rejects.toThrow(StepError);
  });
});
