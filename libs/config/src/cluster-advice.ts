/** Something that works, and that its operator should know better about. */
export interface Advice {
  /** What is so, and why it matters. One sentence. */
  readonly text: string;
  /** What to do about it. One sentence. */
  readonly remedy: string;
}

/** More voters make every write slower, and hardly anything safer (etcd advises the same). */
const VOTERS_MAX = 7;

/** @param voters Members with a vote; those that only learn do not count. */
export function voterCountAdvice(voters: number): Advice | undefined {
  const mayBeLost = Math.ceil(voters / 2) - 1;
  if (voters > 1 && voters % 2 === 0)
    return {
      text:
        `${voters} voters survive the loss of ${mayBeLost}, as ${voters - 1} do: a majority is ${voters / 2 + 1}, and one machine more can ` +
        "fail",
      remedy: `Run ${voters - 1} or ${voters + 1}.`,
    };
  if (voters > VOTERS_MAX)
    return {
      text: `${voters} voters: each write waits for ${Math.floor(voters / 2) + 1} disks, and the leader sends everything ${voters - 1} times`,
      remedy: `Run 5, or ${VOTERS_MAX}; let others be learners, or gateways.`,
    };
  return undefined;
}

/** @param brokers How many there are that do not depend on each other. */
export function brokerCountAdvice(voters: number, brokers: number): Advice | undefined {
  if (voters < 2 || brokers > 1) return undefined;
  return {
    text: `${voters} voters meet at a single broker: when it is down, or its machine, nothing is agreed on, however many of them run`,
    remedy: "Run a cluster of three brokers, or one beside each member (quorate member does that by itself).",
  };
}
