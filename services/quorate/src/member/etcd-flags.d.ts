import { type Environment } from "@quorate/config";
export interface TakenFlags {
    /** What is left, for our own parser: each as `--name=value`, or alone if it had no value. */
    readonly args: readonly string[];
    /** A sentence for each that has no effect. */
    readonly warnings: readonly string[];
}
/**
 * Reads flags as etcd does: one dash or two, `--name value` or `--name=value`, switches alone or with `=true`; and takes out what
 * has no meaning here.
 *
 * @param switches Names of our own flags that take no value.
 * @throws {ConfigurationError} for flags that are refused.
 */
export declare function takeEtcdFlags(argv: readonly string[], switches: ReadonlySet<string>): TakenFlags;
/**
 * etcd's variables (`ETCD_LISTEN_CLIENT_URLS`) as flags; a flag of the command line wins over its variable.
 *
 * @param given Flags of the command line, without dashes.
 */
export declare function flagsOfEnvironment(env: Environment, given: ReadonlySet<string>): string[];
//# sourceMappingURL=etcd-flags.d.ts.map