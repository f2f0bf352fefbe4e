/** From `from` on, up to and without `to`; `undefined`: without end. Binary strings, ordered by `<`. */
export interface Interval {
  readonly from: string;
  readonly to: string | undefined;
}

/**
 * Values by interval of keys, to be found by a key in them: a balanced (AVL) tree ordered by interval, in which each node
 * knows the greatest end below it. Equal intervals share a node, as thousands of clients watch the same prefix.
 *
 * `add` and `delete` are O(log intervals); `visit` O(log intervals + hits).
 */
export class IntervalTree<T> {
  #root: Node<T> | undefined;
  #size = 0;

  /** Values, not intervals. */
  get size(): number {
    return this.#size;
  }

  add(interval: Interval, value: T): void {
    this.#root = this.#add(this.#root, interval, value);
  }

  delete(interval: Interval, value: T): void {
    const node = find(this.#root, interval);
    if (node === undefined || !node.values.delete(value)) return;
    this.#size -= 1;
    if (node.values.size === 0) this.#root = remove(this.#root, interval);
  }

  /** Calls `visitor` with every value whose interval holds `key`, in the order of the intervals. */
  visit(key: string, visitor: (value: T) => void): void {
    stab(this.#root, key, visitor);
  }

  #add(node: Node<T> | undefined, interval: Interval, value: T): Node<T> {
    if (node === undefined) {
      this.#size += 1;
      return new Node(interval, value);
    }
    const order = compareIntervals(interval, node.interval);
    if (order === 0) {
      if (!node.values.has(value)) this.#size += 1;
      node.values.add(value);
      return node;
    }
    if (order < 0) node.left = this.#add(node.left, interval, value);
    else node.right = this.#add(node.right, interval, value);
    return balanced(node);
  }
}

class Node<T> {
  readonly values: Set<T>;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
  height = 1;
  /** The greatest end in this subtree. */
  greatestTo: string | undefined;

  constructor(
    readonly interval: Interval,
    value: T,
  ) {
    this.values = new Set([value]);
    this.greatestTo = interval.to;
  }
}

function stab<T>(node: Node<T> | undefined, key: string, visitor: (value: T) => void): void {
  if (node === undefined || !endsAfter(node.greatestTo, key)) return;
  stab(node.left, key, visitor);
  if (key < node.interval.from) return;
  if (endsAfter(node.interval.to, key)) for (const value of node.values) visitor(value);
  stab(node.right, key, visitor);
}

function find<T>(node: Node<T> | undefined, interval: Interval): Node<T> | undefined {
  while (node !== undefined) {
    const order = compareIntervals(interval, node.interval);
    if (order === 0) return node;
    node = order < 0 ? node.left : node.right;
  }
  return undefined;
}

function remove<T>(node: Node<T> | undefined, interval: Interval): Node<T> | undefined {
  if (node === undefined) return undefined;
  const order = compareIntervals(interval, node.interval);
  if (order < 0) node.left = remove(node.left, interval);
  else if (order > 0) node.right = remove(node.right, interval);
  else {
    if (node.left === undefined) return node.right;
    if (node.right === undefined) return node.left;
    const successor = leftmost(node.right);
    successor.right = remove(node.right, successor.interval);
    successor.left = node.left;
    return balanced(successor);
  }
  return balanced(node);
}

function leftmost<T>(node: Node<T>): Node<T> {
  while (node.left !== undefined) node = node.left;
  return node;
}

/** `node` with its measures brought up to date, or whoever takes its place if one side is two higher than the other. */
function balanced<T>(node: Node<T>): Node<T> {
  measure(node);
  const lean = heightOf(node.left) - heightOf(node.right);
  if (lean > 1) {
    const left = node.left!;
    if (heightOf(left.left) < heightOf(left.right)) node.left = rotateLeft(left);
    return rotateRight(node);
  }
  if (lean < -1) {
    const right = node.right!;
    if (heightOf(right.right) < heightOf(right.left)) node.right = rotateRight(right);
    return rotateLeft(node);
  }
  return node;
}

function rotateLeft<T>(node: Node<T>): Node<T> {
  const up = node.right!;
  node.right = up.left;
  up.left = node;
  measure(node);
  measure(up);
  return up;
}

function rotateRight<T>(node: Node<T>): Node<T> {
  const up = node.left!;
  node.left = up.right;
  up.right = node;
  measure(node);
  measure(up);
  return up;
}

function measure<T>(node: Node<T>): void {
  node.height = Math.max(heightOf(node.left), heightOf(node.right)) + 1;
  node.greatestTo = node.interval.to;
  for (const child of [node.left, node.right]) {
    if (child !== undefined) node.greatestTo = laterEnd(node.greatestTo, child.greatestTo);
  }
}

function heightOf<T>(node: Node<T> | undefined): number {
  return node === undefined ? 0 : node.height;
}

function laterEnd(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || b === undefined ? undefined : a > b ? a : b;
}

function endsAfter(to: string | undefined, key: string): boolean {
  return to === undefined || key < to;
}

function compareIntervals(a: Interval, b: Interval): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1;
  if (a.to === b.to) return 0;
  if (a.to === undefined) return 1;
  if (b.to === undefined) return -1;
  return a.to < b.to ? -1 : 1;
}
