import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkOpenFiles } from "./open-files";
import { checkBrokerProgram, checkNode, checkProcessor } from "./programs";

describe("checks of what a process runs on", () => {
  let folder: string;

  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "quorate-check-"))));
  afterAll(() => rmSync(folder, { recursive: true }));

  function file(content: string): string {
    const path = join(folder, `${content.length}`);
    writeFileSync(path, content);
    chmodSync(path, 0o700);
    return path;
  }

  it.each([
    ["2.9.10", "ok"],
    ["2.10.0", "ok"],
    ["3.0.1", "ok"],
    ["2.8.4", "warning"],
  ])("takes nats-server %s as %s", (version, state) => {
    expect(checkBrokerProgram(file(`#!/bin/sh\necho nats-server: v${version}\n`)).state).toBe(state);
  });

  it("refuses a nats-server that is not there, or does not run", () => {
    expect(checkBrokerProgram(join(folder, "none")).state).toBe("error");
    expect(checkBrokerProgram(file("#!/bin/sh\nexit 3 # anything\n")).state).toBe("error");
  });

  it("wants a Node that is not too old", () => {
    expect(checkNode().state).toBe("ok");
    expect(checkNode("18.20.0").state).toBe("error");
    expect(checkNode("20.18.3").state).toBe("error");
  });

  it("wants AVX2 where the system tells about it", () => {
    if (process.arch !== "x64") return;
    expect(checkProcessor(file("flags\t\t: fpu avx avx2 sse\n")).state).toBe("ok");
    expect(checkProcessor(file("flags\t\t: fpu avx avx512f sse4\n")).state).toBe("error");
    expect(checkProcessor(join(folder, "none")).state).toBe("ok");
  });

  it("wants some thousand open files", () => {
    expect(
      checkOpenFiles(file("Max open files            1024                 4096                 files\n"))
        .state,
    ).toBe("warning");
    expect(
      checkOpenFiles(file("Max open files            65536                 65536                files\n"))
        .state,
    ).toBe("ok");
    expect(
      checkOpenFiles(file("Max open files            unlimited            unlimited            files \n"))
        .state,
    ).toBe("ok");
  });
});
