import type { Mutant } from "./mutant";
import { RAFT_MUTANTS } from "./raft.mutants";

/** Every planted bug, by area. */
export const MUTANTS: readonly Mutant[] = [...RAFT_MUTANTS];
