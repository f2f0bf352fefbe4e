import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "@swc/core";
import { mutate, MUTATION_VARIABLE, type Mutation } from "./mutant";

// Preloaded (`node --require`): from here on, the workspaces are loaded from their TypeScript sources, one file of them with
// the mutation that the environment names.

// From tests/dist/mutants.
const root = resolve(__dirname, "../../..");
const told = process.env[MUTATION_VARIABLE];
const mutation = told === undefined ? undefined : (JSON.parse(told) as Mutation);

registerHooks({
  resolve(specifier, context, next) {
    const library = /^@quorate\/([^/]+)$/.exec(specifier)?.[1];
    if (library !== undefined) return next(`${root}/libs/${library}/src/index.ts`, context);
    const parent = context.parentURL;
    const isRelativeInSource = specifier.startsWith(".") && parent?.endsWith(".ts") === true;
    if (!isRelativeInSource) return next(specifier, context);
    try {
      return next(resolve(fileURLToPath(parent), "..", `${specifier}.ts`), context);
    } catch {
      return next(specifier, context); // generated JavaScript
    }
  },
  load(url, context, next) {
    if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
    const path = fileURLToPath(url);
    const text = readFileSync(path, "utf8");
    const source = mutation?.file === relative(root, path) ? mutate(text, mutation) : text;
    return { format: "commonjs", source: transpile(source, path), shortCircuit: true };
  },
});

function transpile(source: string, path: string): string {
  return transformSync(source, {
    filename: path,
    jsc: { parser: { syntax: "typescript" }, target: "es2024" },
    module: { type: "commonjs" },
    sourceMaps: "inline",
  }).code;
}
