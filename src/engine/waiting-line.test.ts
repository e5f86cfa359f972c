import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WaitingLine } from './waiting-line.ts';

interface Entry {
  readonly client: string | undefined;
  readonly number: number;
}

function lineOf(...clients: (string | undefined)[]): { line: WaitingLine<Entry>; entries: Entry[] } {
  const line = new WaitingLine<Entry>();
  const entries = clients.map((client, number) => ({ client, number }));
  for (const entry of entries) line.add(entry);
  return { line, entries };
}

/** All numbers in the order in which they are served. */
function served(line: WaitingLine<Entry>): number[] {
  return Array.from({ length: line.size }, () => line.take()!.number);
}

test('clients take turns, each with its own first', () => {
  const { line } = lineOf('a', 'a', 'a', 'b', undefined, 'b', undefined, 'c');
  assert.deepEqual(served(line), [0, 3, 4, 7, 1, 5, 6, 2]);
  assert.equal(line.take(), undefined);
});

test('who comes while another has many waits for one of them at most', () => {
  const { line } = lineOf(...Array<string>(60).fill('a'));
  line.take();
  line.add({ client: 'b', number: 60 });
  assert.deepEqual([line.take()!.client, line.take()!.client, line.take()!.client], ['a', 'b', 'a']);
});

test('what was put aside goes before all, the last one first', () => {
  const { line, entries } = lineOf('a', 'b', 'a', 'c');
  const [first, second] = [line.take()!, line.take()!];
  line.putBack(second);
  line.putBack(first);
  assert.equal(line.peek(), first);
  assert.deepEqual([...line].length, entries.length);
  assert.deepEqual(served(line), [0, 1, 3, 2]);
});

test('the last request of the client that has the most is found, unless it is its only one', () => {
  assert.equal(lineOf('a', 'b', 'b', 'a', 'b').line.lastOfMost()!.number, 4);
  assert.equal(lineOf('a', 'b').line.lastOfMost(), undefined);
  assert.equal(lineOf().line.lastOfMost(), undefined);
});

test('whatever is added, put back, taken and removed, nobody is lost and nobody is served twice', () => {
  const client = fc.constantFrom('a', 'b', 'c', undefined);
  const action = fc.tuple(fc.constantFrom('add', 'add', 'take', 'back', 'remove'), client, fc.nat(99));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const line = new WaitingLine<Entry>();
      const inside: Entry[] = [];
      const outside: Entry[] = [];
      for (const [kind, client, pick] of actions) {
        if (kind === 'add') {
          inside.push({ client, number: pick });
          line.add(inside.at(-1)!);
        } else if (kind === 'back' && outside.length > 0) {
          inside.push(...outside.splice(pick % outside.length, 1));
          line.putBack(inside.at(-1)!);
        } else if (kind === 'remove' && inside.length > 0) {
          line.remove(inside.splice(pick % inside.length, 1)[0]!);
        } else if (kind === 'take') {
          const next = line.peek();
          const taken = line.take();
          assert.equal(taken, next);
          assert.equal(taken === undefined, inside.length === 0);
          if (taken) outside.push(...inside.splice(inside.indexOf(taken), 1));
        }
        assert.equal(line.size, inside.length);
        assert.deepEqual(new Set(line), new Set(inside));
        for (const name of ['a', 'b', 'c', undefined]) {
          if (line.has(name)) assert.ok(inside.some(({ client }) => client === name));
        }
      }
    }),
  );
});
