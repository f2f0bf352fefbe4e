import type { Configuration, MemberId } from "../types";

/** Counting as the definitions say it, to check the core's counting by. */

/** Whether `members` hold more than half of the votes, in both halves of a joint configuration. */
export function isQuorum({ incoming, outgoing }: Configuration, members: readonly MemberId[]): boolean {
  return [incoming, outgoing].every(
    (half) => half.length === 0 || half.filter((id) => members.includes(id)).length * 2 > half.length,
  );
}

/** Whether every quorum of `a` shares a member with every quorum of `b`: tries all sets of members, so they must be few. */
export function quorumsMeet(a: Configuration, b: Configuration): boolean {
  const all = [...new Set([...a.incoming, ...a.outgoing, ...b.incoming, ...b.outgoing])];
  for (let set = 0; set < 2 ** all.length; set += 1) {
    const inside = all.filter((_, at) => (set >> at) & 1);
    const outside = all.filter((id) => !inside.includes(id));
    if (isQuorum(a, inside) && isQuorum(b, outside)) return false;
  }
  return true;
}
