import { Reader } from "protobufjs/minimal";
import { saturatingNumber } from "./int64";
import { etcdserverpb } from "./protocol";

const HEADER = 0x0a;

/**
 * The revision in the header of any encoded etcdserverpb response that our nodes made: they write the header first. 0 if there is
 * none, as in answers that are not about keys.
 */
export function headerRevisionOf(response: Uint8Array): number {
  if (response[0] !== HEADER) return 0;
  const reader = Reader.create(response);
  reader.uint32();
  return saturatingNumber(etcdserverpb.ResponseHeader.decode(reader.bytes()).revision);
}
