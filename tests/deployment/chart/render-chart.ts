import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";

import { repositoryRoot } from "../../harness/repository";
import { isTrue, printed, TEMPLATE_FUNCTIONS } from "./template-functions";
import { parseTemplate, type Command, type Node, type Operand, type Templates } from "./template-syntax";

export type Mapping = Readonly<Record<string, unknown>>;

/** An object of Kubernetes. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: Mapping;
  readonly data?: Readonly<Record<string, string>>;
}

export const chartFolder = join(repositoryRoot, "infra", "helm", "quorate");
export const RELEASE = { Name: "demo", Namespace: "store", Service: "Helm" } as const;

/** As in the chart's file, and as the schema of values says. */
export function readChartFile(name: string): Mapping {
  return parse(readFileSync(join(chartFolder, name), "utf8")) as Mapping;
}

/** `given` over the chart's own values, as Helm puts them together. */
export function valuesOf(given: Mapping): Mapping {
  return merged(readChartFile("values.yaml"), given);
}

/** @throws {ChartFailure} The chart refuses these values. */
export function renderChart(given: Mapping): readonly Manifest[] {
  return Object.entries(renderChartTexts(given))
    .filter(([file]) => file.endsWith(".yaml"))
    .flatMap(([, text]) => manifestsOf(text));
}

/** @param text Several documents of YAML; empty ones are left out. */
export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]!;
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}

/** What becomes of each file of `templates`. */
export function renderChartTexts(given: Mapping): Readonly<Record<string, string>> {
  const folder = join(chartFolder, "templates");
  const files = readdirSync(folder).sort();
  const templates: Templates = new Map();
  for (const file of files) parseTemplate(file, readFileSync(join(folder, file), "utf8"), templates);
  const chart = readChartFile("Chart.yaml");
  const dot = {
    Values: valuesOf(given),
    Release: RELEASE,
    Chart: { Name: chart["name"], Version: chart["version"], AppVersion: chart["appVersion"] },
  };
  const shown = files.filter((file) => !file.startsWith("_"));
  return Object.fromEntries(shown.map((file) => [file, new Renderer(templates).run(file, dot)]));
}

type Scope = Map<string, { value: unknown }>;

class Renderer {
  constructor(private readonly templates: Templates) {}

  run(name: string, dot: unknown): string {
    const nodes = this.templates.get(name);
    if (nodes === undefined) throw new Error(`there is no template ${name}`);
    return this.#all(nodes, dot, new Map([["", { value: dot }]]));
  }

  #all(nodes: readonly Node[], dot: unknown, outer: Scope): string {
    const scope: Scope = new Map(outer);
    return nodes.map((node) => this.#one(node, dot, scope)).join("");
  }

  #one(node: Node, dot: unknown, scope: Scope): string {
    if (node.kind === "text") return node.text;
    const value = this.#pipeline(node.pipeline, dot, scope);
    switch (node.kind) {
      case "print":
        return printed(value);
      case "set":
        if (node.isNew) scope.set(node.variable, { value });
        else this.#variable(node.variable, scope).value = value;
        return "";
      case "if":
        return this.#all(isTrue(value) ? node.then : node.otherwise, dot, scope);
      case "with":
        return isTrue(value) ? this.#all(node.then, value, scope) : this.#all(node.otherwise, dot, scope);
      case "range":
        return this.#range(node, value, scope);
    }
  }

  #range(
    { variables, then }: Node & { kind: "if" | "with" | "range" },
    value: unknown,
    scope: Scope,
  ): string {
    const entries: [unknown, unknown][] = Array.isArray(value)
      ? value.map((each, at) => [at, each])
      : Object.entries((value ?? {}) as Mapping).sort(([a], [b]) => (a < b ? -1 : 1));
    return entries
      .map((entry) => {
        const inner: Scope = new Map(scope);
        const bound = variables.length === 2 ? entry : [entry[1]];
        variables.forEach((name, at) => inner.set(name, { value: bound[at] }));
        return this.#all(then, entry[1], inner);
      })
      .join("");
  }

  #pipeline(commands: readonly Command[], dot: unknown, scope: Scope): unknown {
    let before: readonly unknown[] = [];
    for (const { name, operands } of commands) {
      const args = [...operands.map((operand) => this.#operand(operand, dot, scope)), ...before];
      before = [name === undefined ? args[0] : this.#call(name, args)];
    }
    return before[0];
  }

  #call(name: string, args: readonly unknown[]): unknown {
    if (name === "include") return this.run(args[0] as string, args[1]);
    const called = TEMPLATE_FUNCTIONS[name];
    if (called === undefined) throw new Error(`there is no function ${name}`);
    return called(...args);
  }

  #operand(operand: Operand, dot: unknown, scope: Scope): unknown {
    if (operand.kind === "literal") return operand.value;
    if (operand.kind === "pipeline") return this.#pipeline(operand.pipeline, dot, scope);
    const start = operand.variable === undefined ? dot : this.#variable(operand.variable, scope).value;
    return operand.fields.reduce<unknown>((value, field) => fieldOf(value, field, operand.fields), start);
  }

  #variable(name: string, scope: Scope): { value: unknown } {
    const variable = scope.get(name);
    if (variable === undefined) throw new Error(`there is no variable $${name}`);
    return variable;
  }
}

/** Stricter than Helm, which prints nothing for a name that is not there: here each must stand in values.yaml. */
function fieldOf(value: unknown, field: string, path: readonly string[]): unknown {
  if (typeof value !== "object" || value === null || !(field in value))
    throw new Error(`.${path.join(".")}: there is no ${field}`);
  return (value as Mapping)[field];
}

function merged(under: Mapping, over: Mapping): Mapping {
  const both = Object.entries(over).map(([key, value]) => {
    const below = under[key];
    return [key, isMapping(value) && isMapping(below) ? merged(below, value) : value];
  });
  return { ...under, ...(Object.fromEntries(both) as Mapping) };
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
