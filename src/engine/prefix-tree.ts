import { insertInOrder, nearest } from './id-order.ts';
import type { KeptBlock, Runner, RunnerSequence } from './runner.ts';

/** One kept block: what its positions hold, and what may follow. Only a whole block has something behind it. */
interface Node {
  /** Of its positions, in order; fewer than a block at the end of a prompt or turn. */
  readonly ids: readonly number[];
  block: KeptBlock;
  /** Where it stands. */
  readonly siblings: Node[];
  /** In the order of their ids. */
  readonly children: Node[];
}

/** What is kept of a prompt. */
export interface Match {
  /** Positions after which a sequence can go on. */
  readonly length: number;
  /** The blocks that hold them. */
  readonly blocks: readonly KeptBlock[];
  /** Positions that are kept, whether or not a sequence can go on there: windows may be gone. */
  readonly known: number;
}

export interface PrefixLimits {
  /** Blocks to keep. */
  readonly blocks: number;
  /** Blocks that keep their window too. */
  readonly windows: number;
}

type Shape = Pick<Runner, 'blockSize' | 'firstVisibleBlock'>;

/** At the end of every so many blocks windows are kept, so that a long text whose end was let go can still be used. */
const CHECKPOINT = 16;

/**
 * Blocks of prompts and turns that were computed, found again by their token ids: a radix tree of whole blocks, with begun
 * ones at its tips. Another sequence goes on after any number of equal ids: it shares the whole blocks and copies the one
 * in which it parts. Layers with a sliding window drop their part of a block early; that is kept where a prompt or a turn
 * ended, where two texts parted, and at checkpoints on the way. A look-up costs as much as the prompt is long.
 */
export class PrefixTree {
  readonly #shape: Shape;
  readonly #limits: PrefixLimits;
  readonly #roots: Node[] = [];
  /** Least recently used first; whatever a node stands on comes after it. */
  readonly #order = new Set<Node>();
  /** Those that keep their window; least recently used first. */
  readonly #windows = new Set<Node>();
  #evictions = 0;

  constructor(shape: Shape, limits: PrefixLimits) {
    this.#shape = shape;
    this.#limits = limits;
  }

  /** Blocks that are kept. */
  get size(): number {
    return this.#order.size;
  }

  /** Blocks that made room for others. */
  get evictions(): number {
    return this.#evictions;
  }

  /**
   * The longest kept beginning of `ids`, of `limit` ids at most. By default one id at least is left to compute, because
   * logits come from computing.
   */
  find(ids: readonly number[], limit = ids.length - 1): Match {
    const { blockSize } = this.#shape;
    const path: Node[] = [];
    let known = 0;
    for (let children = this.#roots; known < limit; children = path.at(-1)!.children) {
      const { common, nodes } = nearest(children, ids, known, Math.min(limit, known + blockSize));
      if (common === 0) break;
      path.push(nodes.find(({ block }) => block.hasWindow) ?? nodes[0]!);
      known += common;
      if (common < blockSize) break;
    }
    this.#touch(path);
    for (let count = path.length; count > 0; count--) {
      const length = Math.min(known, count * blockSize);
      const visible = path.slice(this.#shape.firstVisibleBlock(length), count);
      if (!visible.every(({ block }) => block.hasWindow)) continue;
      for (const node of visible) this.#touchWindow(node);
      return { length, blocks: path.slice(0, count).map(({ block }) => block), known };
    }
    return { length: 0, blocks: [], known };
  }

  /** Keeps what a sequence has computed, the first of `ids`. Others can go on after each of `points` of its positions. */
  add(ids: readonly number[], sequence: RunnerSequence, points: readonly number[]): void {
    if (this.#limits.blocks === 0) return;
    const { blockSize } = this.#shape;
    const { length } = sequence;
    const wantsWindow = this.#windowsAt(points);
    const path: Node[] = [];
    for (let start = 0, siblings = this.#roots; start < length; start += blockSize) {
      const part = ids.slice(start, Math.min(start + blockSize, length));
      const index = start / blockSize;
      const block = sequence.keep(index);
      if (!wantsWindow(index)) block.dropWindow();
      const node = this.#place(siblings, part, block);
      path.push(node);
      siblings = node.children;
    }
    this.#touch(path);
    for (const node of this.#order) {
      if (this.#order.size <= this.#limits.blocks) break;
      if (node.children.length === 0) this.#evict(node);
    }
    for (const node of this.#windows) {
      if (this.#windows.size <= this.#limits.windows) break;
      node.block.dropWindow();
      this.#windows.delete(node);
    }
  }

  /**
   * Lets the least recently used block go that no sequence uses, `spared` aside. False when there is none.
   * What stands on it goes too, but that is in use: a sequence that computed the block again holds another of the same ids.
   */
  evict(spared: readonly KeptBlock[] = []): boolean {
    const kept = new Set(spared);
    for (const node of this.#order) {
      if (node.block.shared || kept.has(node.block)) continue;
      this.#evict(node);
      return true;
    }
    return false;
  }

  /** How many blocks `evict` can let go. */
  countFree(spared: readonly KeptBlock[] = []): number {
    const kept = new Set(spared);
    let count = 0;
    for (const { block } of this.#order) if (!block.shared && !kept.has(block)) count++;
    return count;
  }

  /** Whether a checkpoint lies on the way from one length to another: its windows are there to be kept now, and soon no more. */
  hasCheckpoint(from: number, to: number): boolean {
    const span = CHECKPOINT * this.#shape.blockSize;
    return Math.floor(from / span) < Math.floor(to / span);
  }

  clear(): void {
    for (const { block } of this.#order) block.release();
    this.#order.clear();
    this.#windows.clear();
    this.#roots.length = 0;
  }

  /** Which blocks keep their window so that a sequence can go on from the block of each point, and from checkpoints. */
  #windowsAt(points: readonly number[]): (index: number) => boolean {
    const { blockSize } = this.#shape;
    const spans = points.map((point) => {
      const last = Math.floor(point / blockSize);
      return { first: this.#shape.firstVisibleBlock(last * blockSize), last };
    });
    const checked = this.#shape.firstVisibleBlock(CHECKPOINT * blockSize);
    return (index) => index % CHECKPOINT >= checked || spans.some(({ first, last }) => index >= first && index <= last);
  }

  /** Puts a block of these ids among its siblings, unless what is kept there serves as well. Returns the node that stands for it. */
  #place(siblings: Node[], ids: readonly number[], given: KeptBlock): Node {
    const own = siblings.find((node) => node.block.equals(given));
    const block = own?.block.hasWindow ? own.block : given;
    if (own) {
      // Kept before, when there was less in it perhaps; the window of that time is still good.
      if (block === given) this.#replace(own, given);
      else given.release();
      if (own.ids.length >= ids.length) return own;
      this.#take(own);
    }
    const { common, nodes } = nearest(siblings, ids, 0, ids.length);
    const twin = nodes.find((node) => node.ids.length === common);
    const serving = nodes.find((node) => node.block.hasWindow) ?? (block.hasWindow ? undefined : (twin ?? nodes[0]));
    if (common === ids.length && serving) {
      block.release();
      return serving;
    }
    // A twin that ends where these ids go on, or lacks the window, is not needed beside them; one with the only window is.
    if (twin && (block.hasWindow || !twin.block.hasWindow)) {
      if (twin.ids.length === ids.length) return this.#replace(twin, block);
      this.#take(twin).release();
    }
    return this.#insert(siblings, ids, block);
  }

  #replace(node: Node, block: KeptBlock): Node {
    node.block.release();
    node.block = block;
    if (block.hasWindow) this.#windows.add(node);
    return node;
  }

  #insert(siblings: Node[], ids: readonly number[], block: KeptBlock): Node {
    const node: Node = { ids, block, siblings, children: [] };
    insertInOrder(siblings, node);
    this.#order.add(node);
    if (block.hasWindow) this.#windows.add(node);
    return node;
  }

  /** Takes a node out of the tree, and its block out of the node. */
  #take(node: Node): KeptBlock {
    node.siblings.splice(node.siblings.indexOf(node), 1);
    this.#order.delete(node);
    this.#windows.delete(node);
    return node.block;
  }

  #evict(node: Node): void {
    for (const child of [...node.children]) this.#evict(child);
    this.#take(node).release();
    this.#evictions++;
  }

  /** Makes a path from the root the most recently used, the root last. */
  #touch(path: readonly Node[]): void {
    for (const node of [...path].reverse()) {
      this.#order.delete(node);
      this.#order.add(node);
    }
  }

  #touchWindow(node: Node): void {
    this.#windows.delete(node);
    this.#windows.add(node);
  }
}
