import { isOk, type Operation, type Version } from "../history";
import {
  execute,
  sameResult,
  type Contents,
  type Effect,
  type SameVersion,
  type Stamp,
} from "../naive-contents";
import type { SearchModel } from "./history-search";
import type { VersionIdentities } from "./version-identities";

/** A store by its values: what orders revisions have is not part of it. */
export interface KeyValueState {
  readonly contents: Contents;
  /** Granted and not ended. */
  readonly leases: ReadonlySet<string>;
  readonly hash: number;
}

export const EMPTY_STATE: KeyValueState = { contents: new Map(), leases: new Set(), hash: 0 };

const sameValue: SameVersion = (a, b) => a.value === b.value && a.lease === b.lease;

/**
 * The store as a model for the search: puts, deletes, ranges, transactions and leases. Answers are compared by what they say of
 * values, so that the order that the search finds owes nothing to revisions. Only that a version which is compared by its mod
 * revision is the one that was read with it is taken from them (`identities`).
 */
export class KeyValueModel implements SearchModel<Operation, KeyValueState> {
  readonly #stamp: Stamp;

  /** @param granted Leases of which the grant is in the history; of the others nothing is expected. */
  constructor(
    identities: VersionIdentities,
    private readonly granted: ReadonlySet<string>,
  ) {
    this.#stamp = ({ key, value, lease }) => ({
      key,
      value,
      createRevision: ELSEWHERE,
      modRevision: identities.revisionOf(key, value) ?? ELSEWHERE,
      version: ELSEWHERE,
      ...(lease === undefined ? {} : { lease }),
    });
  }

  step(state: KeyValueState, operation: Operation): KeyValueState | undefined {
    const { request } = operation;
    const { result, effects } = execute(state.contents, request, this.#stamp);
    if (isOk(operation) && !sameResult(result, operation.outcome.result, sameValue)) return undefined;
    const attached = effects.map(({ lease }) => lease).filter((lease) => lease !== undefined);
    // It would have been refused; of unknown outcome, it changes nothing here.
    if (attached.some((lease) => this.granted.has(lease) && !state.leases.has(lease)))
      return isOk(operation) ? undefined : state;
    const next = effects.length === 0 ? state : this.#changed(state, effects);
    if (request.kind === "grant")
      return withLeases(next, new Set([...state.leases, request.lease]), request.lease);
    if (request.kind === "revoke" && state.leases.has(request.lease)) {
      const others = [...state.leases].filter((lease) => lease !== request.lease);
      return withLeases(next, new Set(others), request.lease);
    }
    return next;
  }

  equal(a: KeyValueState, b: KeyValueState): boolean {
    if (a === b) return true;
    if (a.hash !== b.hash || a.contents.size !== b.contents.size || a.leases.size !== b.leases.size)
      return false;
    for (const lease of a.leases) if (!b.leases.has(lease)) return false;
    for (const [key, version] of a.contents) {
      const other = b.contents.get(key);
      if (other === undefined || !sameValue(version, other)) return false;
    }
    return true;
  }

  hash({ hash }: KeyValueState): number {
    return hash;
  }

  #changed(state: KeyValueState, effects: readonly Effect[]): KeyValueState {
    const contents = new Map<string, Version>(state.contents);
    let { hash } = state;
    for (const effect of effects) {
      const { key, value } = effect;
      const old = contents.get(key);
      if (old !== undefined) hash ^= hashOf(old);
      if (value === undefined) {
        contents.delete(key);
        continue;
      }
      const version = this.#stamp({ ...effect, value }, old);
      contents.set(key, version);
      hash ^= hashOf(version);
    }
    return { contents, leases: state.leases, hash };
  }
}

/** Equal to no revision and no count that is compared. */
const ELSEWHERE = -1;

function withLeases(state: KeyValueState, leases: ReadonlySet<string>, changed: string): KeyValueState {
  if (leases.size === state.leases.size) return state;
  return { ...state, leases, hash: state.hash ^ hashOfText(changed) };
}

function hashOf({ key, value, lease }: Version): number {
  return hashOfText(`${key}\0${value}\0${lease ?? ""}`);
}

/** FNV-1a. */
function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
