import { VirtualTime } from "@quorate/actor";
import { textOf, utf8 } from "@quorate/base";
import {
  decodeFragment,
  encodeFragment,
  FRAGMENT_HEADER,
  isSendable,
  Reassembler,
  subjectMatches,
} from "@quorate/transport";
import { traceIdsOf } from "@quorate/telemetry";
import {
  ClusterNameError,
  EVENT_SUBJECT_CHARACTERS_MAX,
  parseClusterName,
  senderOf,
  Subjects,
} from "@quorate/wire";
import { readHeaderBlock } from "../../../libs/transport-nats/src/header-block";
import { fuzzTarget, type FuzzTarget } from "../engine/fuzz-target";

const FRAGMENT = { id: "a-1", part: 0, total: 3, bytes: 30, crc32: 0xdead, offered: false };
/** Small, as the largest message may take it whole: what one small message can make a receiver allocate. */
const REASSEMBLED_BYTES_MAX = 16 * 1024;

/** Each line is a fragment header, what follows its first `|` the payload. */
function reassembled(input: Uint8Array): unknown {
  const reassembler = new Reassembler(
    { timeoutMs: 1000, bytesMax: REASSEMBLED_BYTES_MAX },
    { clock: new VirtualTime() },
  );
  try {
    const whole = textOf(input)
      .split("\n")
      .slice(0, 64)
      .map((line) => {
        const [header = "", payload = ""] = line.split("|", 2);
        const fragment = decodeFragment(header);
        if (fragment === undefined) return undefined;
        const message = {
          subject: "s",
          payload: utf8(payload),
          reply: undefined,
          headers: { [FRAGMENT_HEADER]: header },
        };
        return reassembler.add("scope", fragment, message)?.payload;
      });
    if (reassembler.bytes > REASSEMBLED_BYTES_MAX) throw new Error(`It holds ${reassembler.bytes} bytes`);
    return { whole, dropped: reassembler.dropped };
  } finally {
    reassembler.close();
  }
}

const subjects = new Subjects(parseClusterName("dev"));

export const transportTargets: readonly FuzzTarget[] = [
  fuzzTarget({
    name: "fragment-header",
    decode: (input) => decodeFragment(textOf(input)),
    declares: [],
    encode: (fragment) => (fragment === undefined ? undefined : utf8(encodeFragment(fragment))),
    seeds: () => [utf8(encodeFragment(FRAGMENT)), utf8(encodeFragment({ ...FRAGMENT, offered: true }))],
    dictionary: [utf8(" offer"), utf8("999999999"), utf8("999999999999")],
  }),
  fuzzTarget({
    name: "fragment-reassembly",
    decode: reassembled,
    declares: [],
    seeds: () => [
      utf8("a 0 2 6 0972d361|abc\na 1 2 6 0972d361|def"),
      utf8("a 1 3 5 3610a686|ll\na 0 3 5 3610a686 offer|he\na 2 3 5 3610a686|o\nb 0 2 9 0|x"),
    ],
    dictionary: [utf8("\n"), utf8("|"), utf8("a 0 2 6 0972d361|"), utf8("16384")],
  }),
  fuzzTarget({
    name: "nats-headers",
    decode: readHeaderBlock,
    declares: [],
    seeds: () => [
      utf8("NATS/1.0\r\nContent-Type: application/json\r\ntraceparent: 00-1-2-01\r\n\r\n"),
      utf8("NATS/1.0 503\r\n\r\n"),
      utf8("NATS/1.0 408 Request Timeout\r\nA: b\r\n\r\n"),
    ],
    dictionary: [utf8("\r\n"), utf8(":"), utf8("__proto__: x"), utf8("NATS/1.0 "), utf8("ä")],
  }),
  fuzzTarget({
    name: "nats-subjects",
    decode: (input) => {
      const [subject = "", pattern = ""] = textOf(input).split("|", 2);
      return {
        sender: senderOf(subject),
        matches: subjectMatches(pattern, subject),
        sendable: isSendable(subject, pattern),
      };
    },
    declares: [],
    seeds: () => [
      utf8("q.dev.raft.1f.2|q.*.raft.>"),
      utf8("q.dev.snap.ffffffffffffffff.2|>"),
      utf8("a.b.c|a.*.c"),
    ],
    dictionary: [utf8("."), utf8("*"), utf8(">"), utf8("raft"), utf8("\r\n")],
  }),
  fuzzTarget({
    name: "event-subject",
    decode: (input) => {
      const subject = subjects.event("put", input);
      if (subject === undefined) return undefined;
      if (subject.length > EVENT_SUBJECT_CHARACTERS_MAX || !isSendable(subject))
        throw new Error(`It cannot be sent to: ${subject}`);
      if (!subjectMatches(subjects.anyEvent, subject)) throw new Error(`Nobody hears ${subject}`);
      return subject;
    },
    declares: [],
    seeds: () => [utf8("/jobs/7"), utf8("a//b\0"), Uint8Array.of(0xff, 0x2f, 0x2e, 0x2a, 0x3e)],
    dictionary: [utf8("/"), utf8("%")],
  }),
  fuzzTarget({
    name: "trace-context",
    decode: (input) => traceIdsOf(textOf(input)),
    declares: [],
    seeds: () => [
      utf8(`00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`),
      utf8(`01-${"1".repeat(32)}-${"2".repeat(16)}-00-x`),
    ],
  }),
  fuzzTarget({
    name: "cluster-name",
    decode: (input) => parseClusterName(textOf(input)),
    declares: [ClusterNameError],
    encode: utf8,
    seeds: () => [utf8("dev"), utf8("A_b-9")],
  }),
];
