/**
 * The ordinary tokens of a vocabulary as a trie over their bytes, laid out in the order of a walk: a node's children follow
 * it, each with its whole subtree, so skipping a subtree is one jump.
 */
export class TokenTable {
  readonly vocabSize: number;
  /** Bytes of the longest token. */
  readonly longest: number;
  readonly numNodes: number;
  /** [nodes]: the byte that leads to each node. Node 0 is the root. */
  readonly bytes: Uint8Array;
  /** [nodes]: the first node after the subtree. */
  readonly ends: Uint32Array;
  /** [nodes + 1]: where each node's tokens begin in `ids`; a node without tokens has none between. */
  readonly firstIds: Uint32Array;
  readonly ids: Uint32Array;

  /** `tokens` gives the bytes of an id, and undefined for control tokens and gaps. */
  constructor(tokens: (id: number) => Uint8Array | undefined, vocabSize: number) {
    this.vocabSize = vocabSize;
    const { texts, ids } = sorted(tokens, vocabSize);
    this.ids = ids;
    let capacity = 1;
    let longest = 0;
    let previous: Uint8Array = new Uint8Array();
    for (const text of texts) {
      capacity += text.length - common(previous, text);
      longest = Math.max(longest, text.length);
      previous = text;
    }
    this.longest = longest;
    this.numNodes = capacity;
    this.bytes = new Uint8Array(capacity);
    this.ends = new Uint32Array(capacity);
    this.firstIds = new Uint32Array(capacity + 1);
    this.#fill(texts);
  }

  #fill(texts: readonly Uint8Array[]): void {
    const path = [0]; // the nodes from the root to the last text
    let numNodes = 1;
    let previous: Uint8Array = new Uint8Array();
    for (const [i, text] of texts.entries()) {
      const shared = common(previous, text);
      while (path.length > shared + 1) this.ends[path.pop()!] = numNodes;
      for (let depth = shared; depth < text.length; depth++) {
        this.bytes[numNodes] = text[depth]!;
        this.firstIds[numNodes] = i;
        path.push(numNodes++);
      }
      this.firstIds[numNodes] = i + 1;
      previous = text;
    }
    for (const node of path) this.ends[node] = numNodes;
  }
}

/** Texts in the order of their bytes, so that a prefix comes before what begins with it. */
function sorted(
  tokens: (id: number) => Uint8Array | undefined,
  vocabSize: number,
): { texts: Uint8Array[]; ids: Uint32Array } {
  const found: Uint8Array[] = [];
  const order: number[] = [];
  const foundIds: number[] = [];
  for (let id = 0; id < vocabSize; id++) {
    const text = tokens(id);
    if (text === undefined || text.length === 0) continue;
    order.push(found.length);
    found.push(text);
    foundIds.push(id);
  }
  const head = Float64Array.from(found, (text) => {
    let value = 0;
    for (let i = 0; i < 6; i++) value = value * 257 + (i < text.length ? text[i]! + 1 : 0);
    return value;
  });
  order.sort((a, b) => head[a]! - head[b]! || compare(found[a]!, found[b]!));
  return { texts: order.map((i) => found[i]!), ids: Uint32Array.from(order, (i) => foundIds[i]!) };
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = common(a, b);
  return (a[shared] ?? -1) - (b[shared] ?? -1);
}

function common(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}
