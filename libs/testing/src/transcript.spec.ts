import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommand, replayTranscript, runTranscript, TranscriptError, transcriptsIn } from "./transcript";

const echo = ({ positional }: { positional: readonly string[] }): string => positional.join("\n");

describe("replayTranscript", () => {
  it("returns a passing transcript unchanged, comments and blank lines included", () => {
    const text = "# What it shows.\n\nsay a b\n----\na\nb\n\n\n# Twice.\nsay c\nsay d\n----\nc\nd\n";
    expect(replayTranscript(text, echo)).toBe(text);
  });

  it("replaces expected output by the real one", () => {
    expect(replayTranscript("say a\n----\nwrong\nlines\n", echo)).toBe("say a\n----\na\n");
  });

  it("shows a command without output as ok", () => {
    expect(replayTranscript("say\n----\n", echo)).toBe("say\n----\nok\n");
  });

  it("never prints a blank line, which would end the block", () => {
    expect(replayTranscript("say\n----\n", () => "a\n\nb\n")).toBe("say\n----\na\nb\n");
  });

  it.each(["say a\n", "say a\n\n----\na\n"])("refuses a block without a separator: %j", (text) => {
    expect(() => replayTranscript(text, echo)).toThrow(TranscriptError);
  });

  it("names the line of a command that failed", () => {
    const fail = (): string => {
      throw new RangeError("no such node");
    };
    expect(() => replayTranscript("# one\nstop n9\n----\n", fail)).toThrow(
      /line 2: stop n9: RangeError: no such node/,
    );
  });
});

describe("parseCommand", () => {
  it("tells positional words from options", () => {
    const command = parseCommand("deliver  n1 drop=n2,n3 count=2", 7);
    expect(command.name).toBe("deliver");
    expect(command.positional).toEqual(["n1"]);
    expect([...command.options]).toEqual([["drop", "n2,n3"], ["count", "2"]]); // prettier-ignore
  });

  it("refuses a key that is given twice", () => {
    expect(() => parseCommand("tick count=1 count=2", 1)).toThrow(TranscriptError);
  });
});

describe("runTranscript", () => {
  const directory = mkdtempSync(join(tmpdir(), "transcript-"));
  const path = join(directory, "case.txt");
  const before = process.env["UPDATE_TRANSCRIPTS"];
  afterEach(() => {
    if (before === undefined) delete process.env["UPDATE_TRANSCRIPTS"];
    else process.env["UPDATE_TRANSCRIPTS"] = before;
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it("leaves the file alone unless asked to update it", () => {
    delete process.env["UPDATE_TRANSCRIPTS"];
    writeFileSync(path, "say a\n----\nb\n");
    expect(runTranscript(path, echo)).toEqual({ expected: "say a\n----\nb\n", actual: "say a\n----\na\n" });
    expect(readFileSync(path, "utf8")).toBe("say a\n----\nb\n");
  });

  it("rewrites the file when asked to", () => {
    process.env["UPDATE_TRANSCRIPTS"] = "1";
    writeFileSync(path, "say a\n----\nb\n");
    runTranscript(path, echo);
    expect(readFileSync(path, "utf8")).toBe("say a\n----\na\n");
    expect(transcriptsIn(directory)).toEqual([{ name: "case", path }]);
  });
});
