import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repositoryRoot } from "../harness/repository";

export const COMPOSE_FOLDER = join(repositoryRoot, "infra/compose");

/** What is looked at of a service. */
export interface ComposeService {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks: readonly string[];
  readonly depends_on?: readonly string[];
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly disable?: boolean };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/**
 * A compose file as Docker Compose reads it where no variable is set.
 *
 * @throws {Error} A variable has no default.
 */
export function readComposeFile(name: string): ComposeFile {
  const content: unknown = parse(readFileSync(join(COMPOSE_FOLDER, name), "utf8"), { merge: true });
  return withDefaults(name, content) as ComposeFile;
}

function withDefaults(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(name, item));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withDefaults(name, item)]));
  if (typeof value !== "string") return value;
  return value.replace(/\$\{([^}]*)\}/g, (_, inner: string) => {
    const [, fallback] = /^[A-Z][A-Z0-9_]*:-(.*)$/.exec(inner) ?? [];
    if (fallback === undefined) throw new Error(`${name}: \${${inner}} has no default`);
    return fallback;
  });
}
