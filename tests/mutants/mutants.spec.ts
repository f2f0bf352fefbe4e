import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { transformSync } from "@swc/core";
import { MUTANTS } from "./all-mutants";
import { mutate, mutatedSource, MutantError } from "./mutant";

const root = resolve(__dirname, "../..");
/** Compiled: it starts processes. */
const command = join(root, "tests/dist/mutants/run-mutants.js");

function run(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

describe("planted bugs", () => {
  it("have names of their own, and something that may catch them", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    for (const { name, suites } of MUTANTS) expect([name, suites.length > 0]).toEqual([name, true]);
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "%s still fits its source",
    (_, mutant) => {
      const source = mutatedSource(root, mutant);
      expect(source).not.toBe(mutatedSource(root, { ...mutant, replace: mutant.find }));
      const options = { jsc: { parser: { syntax: "typescript" }, target: "es2024" } } as const;
      expect(() => transformSync(source, options)).not.toThrow();
    },
  );

  it("name suites that there are", () => {
    const suites = new Set(
      MUTANTS.flatMap(({ suites: named }) => named.filter((suite) => suite.startsWith("unit:"))),
    );
    for (const suite of suites) {
      const [project, pattern] = suite.slice("unit:".length).split("/") as [string, string | undefined];
      const specs = ["libs", "services"]
        .map((group) => join(root, group, project, "src"))
        .filter((folder) => existsSync(folder))
        .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }))
        .filter((path) => path.endsWith(".spec.ts") && path.includes(pattern ?? ""));
      expect([suite, specs.length > 0]).toEqual([suite, true]);
    }
  });

  it("are refused where their text does not occur exactly once", () => {
    const mutation = { file: "a.ts", find: "x", replace: "y" };
    expect(mutate("1 x 2", mutation)).toBe("1 y 2");
    for (const source of ["x x", ""]) expect(() => mutate(source, mutation)).toThrow(MutantError);
  });
});

describe("npm run mutants", () => {
  it("finds what catches a planted bug by specs, and says which", () => {
    const { status, output } = run("--specs", "--jobs", "2", "self-count-before-fsync", "read-by-timer");
    expect(output).toMatch(/\| self-count-before-fsync \|.*\| transcripts \|/);
    expect(output).toMatch(/\| read-by-timer \|.*\| transcripts \|/);
    expect(output).toContain("2 of 2 mutants were caught.");
    expect(status).toBe(0);
  }, 120_000);

  it("finds what catches a planted bug by simulation, and the seed", () => {
    const { status, output } = run(
      "--seeds",
      "5",
      "--jobs",
      "2",
      "wrong-header-revision",
      "read-without-index",
    );
    expect(output).toMatch(/\| wrong-header-revision \|.*\| simulation \|.*\| \d+ \|/);
    expect(output).toMatch(/\| read-without-index \|.*\| simulation \|.*\| \d+ \|/);
    expect(status).toBe(0);
  }, 120_000);

  it("says so if there is no such bug", () => {
    const { status, output } = run("no-such-bug");
    expect(output).toContain("there is no mutant no-such-bug");
    expect(status).toBe(2);
  });
});
