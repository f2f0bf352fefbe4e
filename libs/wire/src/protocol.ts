import { Reader, util } from "protobufjs/minimal";
import { DecodeError } from "./errors";

export { authpb, etcdserverpb, grpc, mvccpb, quorate, v3electionpb, v3lockpb } from "../gen/protocol";

/**
 * How deep messages may be nested. protobufjs stops at 100, but a transaction that etcd accepts can be 128 deep (its
 * budget of operations shrinks by at least one per level), and each level is two messages.
 */
export const NESTING_MAX = 512;

// The generated code reads the limits from here at each call; there is no other way to hand them in.
Reader.recursionLimit = NESTING_MAX;
util.recursionLimit = NESTING_MAX;

/**
 * Decodes one message. Byte fields are views into `bytes`.
 *
 * @param subject The message's name, for the error.
 * @throws {DecodeError} `bytes` is not an encoding of it.
 */
export function decodeMessage<T>(
  subject: string,
  type: { decode(bytes: Uint8Array): T },
  bytes: Uint8Array,
): T {
  try {
    return type.decode(bytes);
  } catch (cause) {
    throw new DecodeError(subject, undefined, { cause });
  }
}
