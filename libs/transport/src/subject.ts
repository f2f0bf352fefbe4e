const DOT = 46;
const STAR = 42;
const TAIL = 62;

/** Tells whether `pattern` has wildcards, so that it cannot be looked up by equality. */
export function hasWildcard(pattern: string): boolean {
  return pattern.split(".").some((token) => token === "*" || token === ">");
}

/** What a line of the broker's protocol (4096 bytes) holds beside its subjects, at the most. */
const LINE_REST_BYTES = 96;
const SUBJECTS_BYTES_MAX = 4096 - LINE_REST_BYTES;

/**
 * Whether a message can be sent to `subject`. A subject is a word in a line of the broker's protocol: with a space or the end
 * of a line in it, what follows would be read as commands of this client; too long, it costs the connection.
 *
 * @param reply Where the answer is to go, which stands in the same line.
 */
export function isSendable(subject: string, reply = ""): boolean {
  if (subject === "" || /[\s\0]/.test(subject) || /[\s\0]/.test(reply)) return false;
  const characters = subject.length + reply.length;
  if (characters * 3 <= SUBJECTS_BYTES_MAX) return true; // whatever they are in UTF-8
  return Buffer.byteLength(subject) + Buffer.byteLength(reply) <= SUBJECTS_BYTES_MAX;
}

/**
 * NATS subject matching: tokens are separated by dots, `*` stands for one token, a last `>` for one or more.
 * Allocates nothing: it runs once per wildcard subscription and message.
 */
export function subjectMatches(pattern: string, subject: string): boolean {
  let inPattern = 0;
  let inSubject = 0;
  while (inPattern < pattern.length) {
    if (inSubject >= subject.length) return false;
    const wildcard = tokenEnd(pattern, inPattern) === inPattern + 1 ? pattern.charCodeAt(inPattern) : 0;
    if (wildcard === TAIL) return true;
    const subjectEnd = tokenEnd(subject, inSubject);
    if (wildcard === STAR) {
      inPattern += 1;
      inSubject = subjectEnd;
    } else {
      while (inSubject < subjectEnd) {
        if (pattern.charCodeAt(inPattern) !== subject.charCodeAt(inSubject)) return false;
        inPattern += 1;
        inSubject += 1;
      }
    }
    // Both stand at the end of a token: either both have another one, or neither has.
    const patternGoesOn = inPattern < pattern.length;
    if (patternGoesOn && pattern.charCodeAt(inPattern) !== DOT) return false;
    if (patternGoesOn !== inSubject < subject.length) return false;
    inPattern += 1;
    inSubject += 1;
  }
  return true;
}

function tokenEnd(text: string, from: number): number {
  const dot = text.indexOf(".", from);
  return dot === -1 ? text.length : dot;
}
