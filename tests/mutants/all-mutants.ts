import { GATEWAY_MUTANTS } from "./gateway.mutants";
import { LEASE_MUTANTS } from "./lease.mutants";
import type { Mutant } from "./mutant";
import { MVCC_MUTANTS } from "./mvcc.mutants";
import { RAFT_MUTANTS } from "./raft.mutants";
import { STORAGE_MUTANTS } from "./storage.mutants";
import { WATCH_MUTANTS } from "./watch.mutants";

/** Every planted bug, by area. */
export const MUTANTS: readonly Mutant[] = [
  ...RAFT_MUTANTS,
  ...STORAGE_MUTANTS,
  ...MVCC_MUTANTS,
  ...WATCH_MUTANTS,
  ...LEASE_MUTANTS,
  ...GATEWAY_MUTANTS,
];
