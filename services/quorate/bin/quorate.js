#!/usr/bin/env node
"use strict";
// The services need Node 24, which comes with the dependencies; `npx quorate` runs whatever Node the system has. So this
// file, which any Node can read, hands over to the right one.
const { spawn } = require("node:child_process");
const { existsSync } = require("node:fs");
const { join, resolve } = require("node:path");

const NODE_MAJOR_MIN = 24;
const root = resolve(__dirname, "../../..");
const main = join(__dirname, "../dist/main.js");
const node = join(root, "node_modules/.bin/node");

if (!existsSync(main)) {
  fail(
    "Quorate is not built yet: run `npm run build` once, or use `npm run quorate -- ...`, which builds when needed.",
  );
} else if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) {
  require(main);
} else if (existsSync(node)) {
  runWith(node);
} else {
  fail(
    `Quorate needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.version}, and none came with the dependencies: ` +
      "run `npm run build` once, or install it.",
  );
}

function runWith(path) {
  const child = spawn(path, [__filename, ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal's Ctrl-C reaches both processes: the child decides how to end. Other signals reach only this one.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`Cannot start ${path}: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 143);
  });
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
