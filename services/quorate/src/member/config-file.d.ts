/**
 * The flags that a configuration file stands for: YAML with the names of flags, as etcd reads it.
 *
 * @throws {ConfigurationError} It cannot be read.
 */
export declare function flagsOfFile(path: string): string[];
//# sourceMappingURL=config-file.d.ts.map