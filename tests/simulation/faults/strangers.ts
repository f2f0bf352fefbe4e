import type { SimulatedMember } from "../simulated-member";
import type { Crashable } from "./world";

/** More than a member of the cluster is started as a rule: who looks at that number alone takes the strangers for the newer ones. */
const STARTS = 20;

/** Members of another cluster, as one. */
export function strangersOf(members: readonly SimulatedMember[]): Crashable {
  return {
    name: "strangers",
    get running() {
      return members.some(({ running }) => running);
    },
    start: () => {
      for (const member of members) {
        for (let starts = 1; starts < STARTS; starts += 1) {
          member.start();
          member.crash(false);
        }
        member.start();
      }
    },
    crash: () => members.forEach((member) => member.crash(true)),
  };
}
