"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.ClusterNameError = exports.JsonMappingError = exports.DecodeError = void 0;
/** Bytes that are not an encoding of what they should be. Never a reason to stop: whoever sent them is at fault. */
class DecodeError extends Error {
    subject;
    name = "DecodeError";
    code = "malformed";
    /**
     * @param subject What was being decoded: a message name.
     * @param reason What is wrong with it; by default what `cause` says.
     */
    constructor(subject, reason, options) {
        super(`Cannot decode ${subject}: ${reason ?? messageOf(options?.cause)}`, options);
        this.subject = subject;
    }
}
exports.DecodeError = DecodeError;
/** JSON that does not fit the message it was given for. */
class JsonMappingError extends Error {
    path;
    reason;
    name = "JsonMappingError";
    code = "invalid-json";
    /** @param path Where: `compare[0].range_end`; empty for the message itself. */
    constructor(path, reason) {
        super(path === "" ? reason : `${path}: ${reason}`);
        this.path = path;
        this.reason = reason;
    }
}
exports.JsonMappingError = JsonMappingError;
/** A cluster name that cannot be a subject token. */
class ClusterNameError extends Error {
    given;
    name = "ClusterNameError";
    code = "invalid-cluster-name";
    constructor(given) {
        super(`Cannot use ${JSON.stringify(given)} as a cluster name: it needs 1 to 64 characters of A-Z, a-z, 0-9, _ and -`);
        this.given = given;
    }
}
exports.ClusterNameError = ClusterNameError;
function messageOf(cause) {
    return cause instanceof Error ? cause.message : String(cause);
}
//# sourceMappingURL=errors.js.map