import { type Leaf, Literal } from './leaf.ts';

/**
 * A piece of grammar that is one of several sequences. They are made when the automaton first comes to it, so that recursion
 * and long arrays cost nothing before.
 */
export interface Rule {
  /** Bytes of the shortest text; infinite when there is none. */
  readonly shortest: number;
  /** Without those that no text is. */
  ways(): readonly (readonly Item[])[];
}

export type Item = Leaf | Rule;

export function isRule(item: Item): item is Rule {
  return 'ways' in item;
}

export function shortestOf(item: Item): number {
  return isRule(item) ? item.shortest : item.distance(item.start);
}

/** A rule that knows how to work out its shortest text from those of its parts, for the compiler to repeat until nothing changes. */
export interface Shape {
  shortest(): number;
  ways(): readonly (readonly Item[])[];
}

/** A schema's place in the grammar: known from the moment when something refers to it, filled in afterwards. */
export class SchemaNode implements Rule {
  shortest = Number.POSITIVE_INFINITY;
  shape: Shape | undefined;
  #ways: readonly (readonly Item[])[] | undefined;

  ways(): readonly (readonly Item[])[] {
    this.#ways ??= this.shape?.ways() ?? [];
    return this.#ways;
  }
}

export function choice(items: readonly Item[]): Shape {
  return {
    shortest: () => items.reduce((least, item) => Math.min(least, shortestOf(item)), Number.POSITIVE_INFINITY),
    ways: () => items.filter(possible).map((item) => [item]),
  };
}

export interface Property {
  readonly name: string;
  readonly value: Rule;
  readonly required: boolean;
}

const openBrace = new Literal('{');
const closeBrace = new Literal('}');
const openBracket = new Literal('[');
const closeBracket = new Literal(']');
const comma = new Literal(',', { maySpace: true });
const colon = new Literal(':', { maySpace: true });

/** An object with these properties in this order, then others when `others` says what they are. */
export function object(properties: readonly Property[], others?: { name: Leaf; value: Rule }): Shape {
  const keys = properties.map(({ name }) => new Literal(`${JSON.stringify(name)}:`, { maySpace: true }));
  const nextRequired: number[] = [];
  const tails = new Map<number, Rule>();
  /** Shortest from the properties at `index` on, a comma before each. */
  const shortestFrom = (index: number): number => {
    let sum = 1;
    for (let i = index; i < properties.length; i++) {
      if (properties[i]!.required) sum += 1 + shortestOf(keys[i]!) + properties[i]!.value.shortest;
    }
    return sum;
  };
  const waysFrom = (index: number, isFirst: boolean): Item[][] => {
    const before = isFirst ? [] : [comma];
    const ways: Item[][] = [];
    const last = nextRequired[index] ?? properties.length;
    for (let i = index; i <= last && i < properties.length; i++) {
      if (possible(properties[i]!.value)) ways.push([...before, keys[i]!, properties[i]!.value, tail(i + 1)]);
    }
    if (last === properties.length) {
      ways.push([closeBrace]);
      if (others && possible(others.value)) {
        ways.push([...before, others.name, colon, others.value, tail(properties.length)]);
      }
    }
    return ways;
  };
  const tail = (index: number): Rule => {
    let rule = tails.get(index);
    if (rule === undefined) {
      rule = lazy(shortestFrom(index), () => waysFrom(index, false));
      tails.set(index, rule);
    }
    return rule;
  };
  for (let i = properties.length - 1; i >= 0; i--) {
    nextRequired[i] = properties[i]!.required ? i : (nextRequired[i + 1] ?? properties.length);
  }
  const shortest = (): number => {
    const sum = shortestFrom(0) + 1;
    return properties.some(({ required }) => required) ? sum - 1 : sum; // no comma before the first one
  };
  return { shortest, ways: () => waysFrom(0, true).map((way) => [openBrace, ...way]) };
}

export interface ArrayItems {
  readonly first: readonly Rule[];
  /** Undefined: none but the first ones. */
  readonly others: Rule | undefined;
  readonly min: number;
  readonly max: number;
}

/** An array; its states count items as far as the bounds can tell. */
export function array({ first, others, min, max }: ArrayItems): Shape {
  const countTo = max === Number.POSITIVE_INFINITY ? Math.max(1, first.length, min) : max;
  const tails = new Map<number, Rule>();
  const itemAt = (index: number): Rule | undefined => (index >= max ? undefined : (first[index] ?? others));
  const shortestFrom = (index: number): number => {
    let sum = 1;
    let i = index;
    for (; i < min && i < first.length; i++) sum += 1 + (itemAt(i)?.shortest ?? Number.POSITIVE_INFINITY);
    if (i < min) sum += (min - i) * (1 + (itemAt(i)?.shortest ?? Number.POSITIVE_INFINITY));
    return sum;
  };
  const waysFrom = (index: number): Item[][] => {
    const item = itemAt(index);
    const ways: Item[][] = index >= min ? [[closeBracket]] : [];
    if (item && possible(item)) {
      const next = tail(Math.min(index + 1, countTo));
      if (next.shortest < Number.POSITIVE_INFINITY) ways.push(index === 0 ? [item, next] : [comma, item, next]);
    }
    return ways;
  };
  const tail = (index: number): Rule => {
    let rule = tails.get(index);
    if (rule === undefined) {
      rule = lazy(shortestFrom(index), () => waysFrom(index));
      tails.set(index, rule);
    }
    return rule;
  };
  return {
    shortest: () => shortestFrom(0) + (min > 0 ? 0 : 1),
    ways: () => waysFrom(0).map((way) => [openBracket, ...way]),
  };
}

function possible(item: Item): boolean {
  return shortestOf(item) < Number.POSITIVE_INFINITY;
}

function lazy(shortest: number, make: () => Item[][]): Rule {
  let ways: Item[][] | undefined;
  return {
    shortest,
    ways: () => {
      ways ??= make();
      return ways;
    },
  };
}
