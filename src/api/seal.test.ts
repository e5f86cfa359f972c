import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Seal } from './seal.ts';

test('a seal opens what it closed, and nothing else', () => {
  const seal = new Seal();
  for (const thought of ['', 'Hm.', 'Zwölf Boxkämpfer 🥊 '.repeat(500)]) {
    const signature = seal.close(thought);
    assert.equal(seal.open(signature), thought);
    assert.notEqual(seal.close(thought), signature, 'equal thoughts do not show that they are equal');
    assert.equal(new Seal().open(signature), undefined, 'another process');
    const at = signature.length - 3;
    const changed = signature.slice(0, at) + (signature[at] === 'A' ? 'B' : 'A') + signature.slice(at + 1);
    assert.equal(seal.open(changed), undefined, 'one character changed');
  }
  for (const foreign of ['', 'ossia1.', 'ossia1.AAAA', 'EqoBCkYIARgCIkAb', `ossia1.${'A'.repeat(100)}`]) {
    assert.equal(seal.open(foreign), undefined);
  }
});

test('a signature does not show the thought', () => {
  assert.doesNotMatch(
    Buffer.from(new Seal().close('secret '.repeat(9)).slice(7), 'base64url').toString('latin1'),
    /secret/,
  );
});
