import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHubId, looksLikePath, nearNames } from './names.ts';
import { Speedometer } from './progress.ts';
import { repositoryToPull } from './select.ts';

test('hub ids are those that the hub accepts, and none that could leave a folder', () => {
  for (const id of ['openai/gpt-oss-20b', 'a/b', 'A_1/b.c-d_e']) assert.ok(isHubId(id), id);
  for (const id of [
    'a',
    'a/b/c',
    '../b',
    'a/..',
    'a/-b',
    'a--b/c',
    'a/b..c',
    'a/b.git',
    'a/b:c',
    'a b/c',
    '',
    '/a',
    'a/',
    `a/${'b'.repeat(95)}`,
  ]) {
    assert.ok(!isHubId(id), id);
  }
});

test('what begins like a path or ends as GGUF is a path', () => {
  for (const name of ['.', '..', './a', '../a', '/a', '~/a', 'C:\\a', 'a.gguf', 'a/b.GGUF'])
    assert.ok(looksLikePath(name), name);
  for (const name of ['openai/gpt-oss-20b', 'gpt-oss:20b', 'a.b', '.a']) assert.ok(!looksLikePath(name), name);
});

test('near names come nearest first, at most three, and never for a word that is far from all', () => {
  const names = ['gpt-oss:20b', 'gpt-oss:120b', 'gpt-oss-20b', 'gpt-oss-120b', 'ossia-nano'];
  assert.deepEqual(nearNames('gpt-oss:20', names), ['gpt-oss:20b', 'gpt-oss:120b', 'gpt-oss-20b']);
  assert.deepEqual(nearNames('ossia', names), ['ossia-nano']);
  assert.deepEqual(nearNames('mistral', names), []);
});

test('the names that people know lead to a repository for each layout', () => {
  assert.equal(repositoryToPull('gpt-oss:20b', undefined), 'openai/gpt-oss-20b');
  assert.equal(repositoryToPull('gpt-oss-120b', 'original'), 'openai/gpt-oss-120b');
  assert.equal(repositoryToPull('openai/gpt-oss-120b', 'gguf'), 'ggml-org/gpt-oss-120b-GGUF');
  assert.equal(repositoryToPull('someone/gpt-oss-20b-GGUF', 'gguf'), 'someone/gpt-oss-20b-GGUF');
  assert.throws(() => repositoryToPull('gpt-oss-safeguard:20b', 'gguf'), { code: 'store/unknown-model' });
});

test('speed is that of the last seconds, and there is no time left to tell while nothing moves', () => {
  let now = 0;
  const speed = new Speedometer(5_000, () => now);
  assert.equal(speed.secondsFor(1_000), undefined);
  for (let second = 0; second < 20; second++) {
    now += 1_000;
    speed.add(second < 10 ? 1_000_000 : 3_000_000);
  }
  assert.equal(speed.bytesPerSecond(), 3_000_000);
  assert.equal(speed.secondsFor(6_000_000), 2);
});
