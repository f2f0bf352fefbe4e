/** Bytes that are not an encoding of what they should be. Never a reason to stop: whoever sent them is at fault. */
export declare class DecodeError extends Error {
    readonly subject: string;
    readonly name = "DecodeError";
    readonly code = "malformed";
    /**
     * @param subject What was being decoded: a message name.
     * @param reason What is wrong with it; by default what `cause` says.
     */
    constructor(subject: string, reason?: string, options?: {
        readonly cause?: unknown;
    });
}
/** JSON that does not fit the message it was given for. */
export declare class JsonMappingError extends Error {
    readonly path: string;
    readonly reason: string;
    readonly name = "JsonMappingError";
    readonly code = "invalid-json";
    /** @param path Where: `compare[0].range_end`; empty for the message itself. */
    constructor(path: string, reason: string);
}
/** A cluster name that cannot be a subject token. */
export declare class ClusterNameError extends Error {
    readonly given: string;
    readonly name = "ClusterNameError";
    readonly code = "invalid-cluster-name";
    constructor(given: string);
}
//# sourceMappingURL=errors.d.ts.map