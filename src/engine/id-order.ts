/** Lists of token ids in lexicographic order, a list before those that it begins. */
export interface WithIds {
  readonly ids: readonly number[];
}

/** The entries that share the most ids with `ids[start, end)`, and how many; they stand side by side. None when no id is shared. */
export function nearest<T extends WithIds>(
  sorted: readonly T[],
  ids: readonly number[],
  start: number,
  end: number,
): { readonly common: number; readonly nodes: readonly T[] } {
  const at = lowerBound(sorted, ids, start, end);
  const commonAt = (i: number) => (i in sorted ? commonLength(sorted[i]!.ids, ids, start, end) : 0);
  const common = Math.max(commonAt(at - 1), commonAt(at));
  if (common === 0) return { common, nodes: [] };
  let first = at;
  while (commonAt(first - 1) === common) first--;
  let last = at;
  while (commonAt(last) === common) last++;
  return { common, nodes: sorted.slice(first, last) };
}

/** Adds an entry where it belongs. */
export function insertInOrder<T extends WithIds>(sorted: T[], entry: T): void {
  sorted.splice(lowerBound(sorted, entry.ids, 0, entry.ids.length), 0, entry);
}

/** The first entry that does not come before `ids[start, end)`. */
function lowerBound(sorted: readonly WithIds[], ids: readonly number[], start: number, end: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(sorted[middle]!.ids, ids, start, end)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(a: readonly number[], ids: readonly number[], start: number, end: number): boolean {
  const common = commonLength(a, ids, start, end);
  if (start + common === end) return false;
  return common === a.length || a[common]! < ids[start + common]!;
}

function commonLength(a: readonly number[], ids: readonly number[], start: number, end: number): number {
  const length = Math.min(a.length, end - start);
  let i = 0;
  while (i < length && a[i] === ids[start + i]) i++;
  return i;
}
