import { join } from "node:path";
import { runTranscript, transcriptsIn } from "@quorate/testing";
import { InteractionEnvironment } from "./testing/interaction-environment";

// Scenarios as stories: testdata/*.txt. `UPDATE_TRANSCRIPTS=1` rewrites what the core answered.
describe("Raft, told in transcripts", () => {
  it.each(transcriptsIn(join(__dirname, "testdata")))("$name", ({ path }) => {
    const environment = new InteractionEnvironment();
    const { expected, actual } = runTranscript(path, (command) => environment.run(command));
    expect(actual).toBe(expected);
  });
});
