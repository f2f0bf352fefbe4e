import { readFileSync } from "node:fs";
import { ConfigurationError } from "@quorate/config";
import { parse } from "yaml";

/** etcd's groups of flags in its configuration file, and what the flags in them are called outside. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "client-transport-security": {
    "cert-file": "cert-file",
    "key-file": "key-file",
    "client-cert-file": "client-cert-file",
    "client-key-file": "client-key-file",
    "client-cert-auth": "client-cert-auth",
    "trusted-ca-file": "trusted-ca-file",
    "client-crl-file": "client-crl-file",
    "auto-tls": "auto-tls",
  },
  "peer-transport-security": {
    "cert-file": "peer-cert-file",
    "key-file": "peer-key-file",
    "client-cert-auth": "peer-client-cert-auth",
    "trusted-ca-file": "peer-trusted-ca-file",
    "auto-tls": "peer-auto-tls",
    "allowed-cn": "peer-cert-allowed-cn",
    "allowed-hostname": "peer-cert-allowed-hostname",
  },
};

/**
 * The flags that a configuration file stands for: YAML with the names of flags, as etcd reads it.
 *
 * @throws {ConfigurationError} It cannot be read.
 */
export function flagsOfFile(path: string): string[] {
  let content: unknown;
  try {
    content = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw unusable(path, `cannot be read: ${(error as Error).message}`);
  }
  if (content === null || content === undefined) return [];
  if (!isMapping(content)) throw unusable(path, "needs names of flags and their values");
  return Object.entries(content).flatMap(([name, value]) => {
    const group = GROUPS[name];
    if (group === undefined) return flagOf(path, name, value);
    if (!isMapping(value)) return value === null ? [] : [fail(path, name)];
    return Object.entries(value).flatMap(([inner, innerValue]) => {
      const flag = group[inner];
      if (flag === undefined) throw unusable(path, `${name} has no ${inner}`);
      return flagOf(path, flag, innerValue);
    });
  });
}

function flagOf(path: string, name: string, value: unknown): string[] {
  if (value === null || value === undefined || value === "") return [];
  if (Array.isArray(value)) return [`--${name}=${value.map(String).join(",")}`];
  if (isMapping(value)) return [fail(path, name)];
  return [`--${name}=${String(value as string | number | boolean)}`];
}

function fail(path: string, name: string): never {
  throw unusable(path, `${name} needs a single value`);
}

function unusable(path: string, allowed: string): ConfigurationError {
  return new ConfigurationError([{ source: `--config-file ${path}`, given: undefined, allowed }]);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
