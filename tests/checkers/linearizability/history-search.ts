import { VisitedStates } from "./visited-states";

/** What a history is held against: a store that does one operation after the other. */
export interface SearchModel<Operation, State> {
  /** The state behind `operation`, or `undefined` if it cannot have been answered so in `state`. Touches nothing. */
  step(state: State, operation: Operation): State | undefined;
  equal(a: State, b: State): boolean;
  /** 32 bits; equal states have equal ones. */
  hash(state: State): number;
}

/** An operation of which the answer is known, or one that may happen at any time from its call on, or never. */
export interface SearchEntry<Operation> {
  readonly operation: Operation;
  readonly calledAt: number;
  /** `undefined`: the outcome is unknown. */
  readonly returnedAt: number | undefined;
  /** Of unknown ones: who has the same would do the same, so that only the first of them need be tried. */
  readonly sameAs: string;
  /** Of unknown ones: when somebody first saw what it wrote; Infinity: never. Those seen early are tried first. */
  readonly observedAt: number;
}

/** Where the search of one piece may go on in the next: all answered operations are in order, and some unknown ones. */
export interface SearchEnd<Operation, State> {
  readonly state: State;
  readonly remaining: readonly SearchEntry<Operation>[];
}

/** The furthest that a search came: an order of operations, the state it leads to, and what must come next and cannot. */
export interface SearchDepth<Operation, State> {
  readonly order: readonly Operation[];
  readonly state: State;
  readonly blocked: Operation;
}

interface CallNode<Operation> {
  readonly kind: "call";
  readonly entry: SearchEntry<Operation>;
  readonly at: number;
  /** Place in time among all calls and returns. */
  readonly place: number;
  readonly partner: ReturnNode<Operation>;
  previous: Node<Operation>;
  next: Node<Operation>;
}

interface ReturnNode<Operation> {
  readonly kind: "return";
  readonly entry: SearchEntry<Operation>;
  readonly place: number;
  previous: Node<Operation>;
  next: Node<Operation>;
}

/** Stands at both ends. */
interface EndNode<Operation> {
  readonly kind: "end";
  previous: Node<Operation>;
  next: Node<Operation>;
}

type Node<Operation> = CallNode<Operation> | ReturnNode<Operation> | EndNode<Operation>;

/** Unknown operations that are the same, in the order of their calls. */
interface UnknownGroup<Operation> {
  readonly members: readonly {
    readonly entry: SearchEntry<Operation>;
    readonly at: number;
    readonly place: number;
  }[];
  used: number;
}

/** A decision that can be taken back. */
type Frame<Operation, State> =
  | { readonly kind: "answered"; readonly node: CallNode<Operation>; readonly state: State }
  | {
      readonly kind: "unknown";
      readonly group: number;
      /** The return before which it was put. */
      readonly node: ReturnNode<Operation>;
      readonly state: State;
    };

/**
 * The search of Wing and Gong, as Lowe made it fast ("Testing for linearizability", 2017): all calls and returns stand in a
 * doubly linked list in the order of time; an operation whose call stands before the first return can come next, is lifted
 * out, and put back when that leads nowhere. Which operations were taken and the state they led to are remembered, so that no
 * such pair is tried twice.
 *
 * Operations of unknown outcome have no return. They stand apart and are tried when nothing answered fits, which is when a
 * reader needs them; they need not be taken at all.
 */
export class HistorySearch<Operation, State> {
  readonly #end: EndNode<Operation>;
  readonly #groups: readonly UnknownGroup<Operation>[];
  readonly #visited: VisitedStates<State>;
  readonly #taken: Uint32Array;
  readonly #stack: Frame<Operation, State>[] = [];
  #takenHash = 0;
  #state: State;
  #missing: number;
  #started = false;
  /** The furthest so far. */
  deepest: SearchDepth<Operation, State> | undefined;

  /** @param onStep Called with each step that is tried; throws to give up. Its argument is the bytes kept for one more state. */
  constructor(
    start: SearchEnd<Operation, State>,
    entries: readonly SearchEntry<Operation>[],
    private readonly model: SearchModel<Operation, State>,
    private readonly onStep: (bytesKept: number) => void,
  ) {
    this.#state = start.state;
    const { end, groups } = timeline([...start.remaining, ...entries]);
    this.#end = end;
    this.#groups = groups;
    this.#missing = entries.filter(({ returnedAt }) => returnedAt !== undefined).length;
    const count = start.remaining.length + entries.length;
    this.#taken = new Uint32Array(Math.ceil(count / 32));
    this.#visited = new VisitedStates(model);
  }

  /** An order of all answered operations that the model accepts, another one with each call; `undefined`: no more. */
  next(): SearchEnd<Operation, State> | undefined {
    let resumed = this.#started ? this.#takeBack() : { node: this.#end.next, group: 0 };
    if (!this.#started && this.#missing === 0) {
      this.#started = true;
      return this.#reached();
    }
    this.#started = true;
    while (resumed !== undefined) {
      if (!this.#advance(resumed.node, resumed.group)) {
        resumed = this.#takeBack();
        continue;
      }
      if (this.#missing === 0) return this.#reached();
      resumed = { node: this.#end.next, group: 0 };
    }
    return undefined;
  }

  /** What was put in order so far. */
  get order(): Operation[] {
    return this.#stack.map((frame) =>
      frame.kind === "answered"
        ? frame.node.entry.operation
        : this.#groups[frame.group]!.members[this.#usedBefore(frame)]!.entry.operation,
    );
  }

  #reached(): SearchEnd<Operation, State> {
    const remaining = this.#groups.flatMap(({ members, used }) =>
      members.slice(used).map(({ entry }) => entry),
    );
    return { state: this.#state, remaining };
  }

  /** Takes the next operation that fits, from `node` and `group` on. @returns False: none does. */
  #advance(node: Node<Operation>, group: number): boolean {
    for (; node.kind === "call"; node = node.next) {
      const { operation } = node.entry;
      const state = this.model.step(this.#state, operation);
      if (state === undefined || !this.#isNew(node.at, state)) continue;
      this.#stack.push({ kind: "answered", node, state: this.#state });
      lift(node);
      this.#take(node.at, state);
      this.#missing -= 1;
      return true;
    }
    if (node.kind === "end") return false;
    for (; group < this.#groups.length; group += 1) {
      const { members, used } = this.#groups[group]!;
      const first = members[used];
      if (first === undefined || first.place > node.place) continue;
      const state = this.model.step(this.#state, first.entry.operation);
      // What changes nothing here is as good as never.
      if (state === undefined || this.model.equal(state, this.#state) || !this.#isNew(first.at, state))
        continue;
      this.#stack.push({ kind: "unknown", group, node, state: this.#state });
      this.#groups[group]!.used += 1;
      this.#take(first.at, state);
      return true;
    }
    this.#noteDepth(node.entry.operation);
    return false;
  }

  /** Undoes the last decision. @returns Where to look for another one; `undefined`: there was none to undo. */
  #takeBack(): { readonly node: Node<Operation>; readonly group: number } | undefined {
    const frame = this.#stack.pop();
    if (frame === undefined) return undefined;
    this.#state = frame.state;
    if (frame.kind === "answered") {
      unlift(frame.node);
      this.#flip(frame.node.at);
      this.#missing += 1;
      return { node: frame.node.next, group: 0 };
    }
    const group = this.#groups[frame.group]!;
    group.used -= 1;
    this.#flip(group.members[group.used]!.at);
    return { node: frame.node, group: frame.group + 1 };
  }

  #take(at: number, state: State): void {
    this.#flip(at);
    this.#state = state;
  }

  #isNew(at: number, state: State): boolean {
    this.#flip(at);
    const isNew = this.#visited.add(this.#taken, this.#takenHash, state);
    this.#flip(at);
    this.onStep(isNew ? this.#taken.byteLength + BYTES_PER_STATE : 0);
    return isNew;
  }

  #flip(at: number): void {
    this.#taken[at >>> 5]! ^= 1 << (at & 31);
    this.#takenHash ^= scattered(at);
  }

  #noteDepth(blocked: Operation): void {
    if (this.deepest !== undefined && this.deepest.order.length >= this.#stack.length) return;
    this.deepest = { order: this.order, state: this.#state, blocked };
  }

  /** Which member of its group an unknown frame took. */
  #usedBefore(frame: Frame<Operation, State> & { readonly kind: "unknown" }): number {
    let used = 0;
    for (const other of this.#stack) {
      if (other === frame) return used;
      if (other.kind === "unknown" && other.group === frame.group) used += 1;
    }
    return used;
  }
}

/** Roughly what a remembered state costs beside its bits: entry, object and its share of the map. */
const BYTES_PER_STATE = 300;

function timeline<Operation>(entries: readonly SearchEntry<Operation>[]): {
  readonly end: EndNode<Operation>;
  readonly groups: readonly UnknownGroup<Operation>[];
} {
  const moments = entries.flatMap((entry, at) => [
    { entry, at, time: entry.calledAt, isCall: true },
    ...(entry.returnedAt === undefined ? [] : [{ entry, at, time: entry.returnedAt, isCall: false }]),
  ]);
  // At one instant calls come first: what touches may overlap.
  moments.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
  const placeOf = new Map<number, number>();
  moments.forEach(({ at, isCall }, place) => {
    if (!isCall) placeOf.set(at, place);
  });
  const end = { kind: "end" } as EndNode<Operation>;
  end.previous = end.next = end;
  const returns = new Map<number, ReturnNode<Operation>>();
  const groups = new Map<string, UnknownGroup<Operation>["members"][number][]>();
  moments.forEach(({ entry, at, isCall }, place) => {
    if (entry.returnedAt === undefined) {
      const group = groups.get(entry.sameAs) ?? [];
      group.push({ entry, at, place });
      groups.set(entry.sameAs, group);
    } else if (isCall) {
      const partner = { kind: "return", entry, place: placeOf.get(at)! } as ReturnNode<Operation>;
      returns.set(at, partner);
      append(end, { kind: "call", entry, at, place, partner } as CallNode<Operation>);
    } else {
      append(end, returns.get(at)!);
    }
  });
  const sorted = [...groups.values()].sort((a, b) => firstSeen(a) - firstSeen(b));
  return { end, groups: sorted.map((members) => ({ members, used: 0 })) };
}

/** Of things nobody saw, those go first that are called first; subtracting infinities would not do. */
function firstSeen([first]: UnknownGroup<unknown>["members"]): number {
  return Math.min(first!.entry.observedAt, Number.MAX_SAFE_INTEGER);
}

function append<Operation>(end: EndNode<Operation>, node: Node<Operation>): void {
  node.previous = end.previous;
  node.next = end;
  end.previous.next = node;
  end.previous = node;
}

function lift<Operation>({ previous, next, partner }: CallNode<Operation>): void {
  previous.next = next;
  next.previous = previous;
  // Read now: call and return may be neighbours.
  partner.previous.next = partner.next;
  partner.next.previous = partner.previous;
}

/** Reverses `lift`, if everything lifted since is back. */
function unlift<Operation>(node: CallNode<Operation>): void {
  const { partner } = node;
  partner.previous.next = partner;
  partner.next.previous = partner;
  node.previous.next = node;
  node.next.previous = node;
}

/** A word of which every bit depends on `at`, for hashes that add and remove members by exclusive or (after Zobrist). */
function scattered(at: number): number {
  let word = Math.imul(at + 1, 0x9e3779b1);
  word = Math.imul(word ^ (word >>> 15), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}
