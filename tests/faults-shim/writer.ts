// A process with a disk, driven by a spec: reads lines of JSON, does what they say with files below its folder, and answers each
// with "ok" or the code of the error. Files stay open between steps, as an engine keeps them.
import * as fs from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** One thing to do. */
export type Step =
  | { readonly do: "open" | "sync" | "datasync" | "remove" | "folder" | "sync-folder"; readonly path: string }
  | { readonly do: "write"; readonly path: string; readonly at?: number; readonly text: string }
  | { readonly do: "cut"; readonly path: string; readonly size: number }
  | { readonly do: "rename"; readonly path: string; readonly to: string };

const root = process.argv[2] as string;
const open = new Map<string, number>();

function fileAt(path: string): number {
  let file = open.get(path);
  if (file === undefined) {
    const isThere = fs.existsSync(join(root, path));
    file = fs.openSync(join(root, path), isThere ? "r+" : "wx+");
    open.set(path, file);
  }
  return file;
}

function perform(step: Step): void {
  const path = join(root, step.path);
  switch (step.do) {
    case "open":
      return void fileAt(step.path);
    case "write":
      return void fs.writeSync(fileAt(step.path), step.text, step.at ?? fs.fstatSync(fileAt(step.path)).size);
    case "cut":
      return fs.ftruncateSync(fileAt(step.path), step.size);
    case "sync":
      return fs.fsyncSync(fileAt(step.path));
    case "datasync":
      return fs.fdatasyncSync(fileAt(step.path));
    case "rename":
      return fs.renameSync(path, join(root, step.to));
    case "remove":
      return fs.unlinkSync(path);
    case "folder":
      return void fs.mkdirSync(path);
    case "sync-folder": {
      const folder = fs.openSync(path, "r");
      try {
        return fs.fsyncSync(folder);
      } finally {
        fs.closeSync(folder);
      }
    }
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  try {
    perform(JSON.parse(line) as Step);
    process.stdout.write("ok\n");
  } catch (error) {
    process.stdout.write(`${(error as NodeJS.ErrnoException).code}\n`);
  }
});
