"use strict";
// One jest project per workspace folder that has specs. Unit specs run straight from TypeScript source; whatever
// starts processes or worker threads runs the compiled `dist`, which `npm test` brings up to date first.
const { existsSync, readdirSync } = require("node:fs");
const { availableParallelism } = require("node:os");
const { join, resolve } = require("node:path");

const root = resolve(__dirname, "..");

const common = {
  testEnvironment: "node",
  transform: {
    "^.+\\.(t|m?j)s$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2024" },
        module: { type: "commonjs" },
        sourceMaps: "inline",
      },
    ],
  },
  transformIgnorePatterns: ["/node_modules/(?!(commander)/)", "/libs/wire/gen/"],
  moduleNameMapper: {
    "^@quorate/(raft-node|kv-gateway|watch-fanout)$": `${root}/services/$1/src/index.ts`,
    "^@quorate/([^/]+)$": `${root}/libs/$1/src/index.ts`,
  },
  modulePathIgnorePatterns: ["/dist/"],
};

const folders = ["libs", "services"].flatMap((group) =>
  readdirSync(join(root, group))
    .map((name) => join(group, name))
    .filter((path) => existsSync(join(root, path, "src"))),
);
const suites = [
  "checkers",
  "past-bugs",
  "mutants",
  "fuzz",
  "simulation",
  "integration",
  "compatibility",
  "faults-shim",
  "e2e",
  "clients",
  "upgrade",
  "chaos",
  "containers",
  "deployment",
].filter((name) => existsSync(join(__dirname, name)));

/** What a suite does once, before and after all its specs, if it has such files. */
function wholeRunHooks(name) {
  const [setup, teardown] = ["setup", "teardown"].map((when) => join(__dirname, name, `global-${when}.ts`));
  return existsSync(setup) ? { globalSetup: setup, globalTeardown: teardown } : {};
}

module.exports = {
  testSequencer: join(__dirname, "longest-first.cjs"),
  // Two even on two cores, where jest would take one: much of the time is waiting for processes.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // A machine may be slow or busy; what hangs is still told. Tests that take longer by nature say so themselves.
  testTimeout: 60_000,
  projects: [
    ...folders.map((path) => ({
      ...common,
      displayName: path.split("/")[1],
      rootDir: root,
      roots: [join(root, path, "src")],
    })),
    ...suites.map((name) => ({
      ...common,
      displayName: `tests/${name}`,
      rootDir: root,
      roots: [join(__dirname, name)],
      ...wholeRunHooks(name),
    })),
  ],
};
