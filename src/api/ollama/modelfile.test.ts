import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readModelfile, writeModelfile } from './modelfile.ts';
import { presetParameters } from './preset-parameters.ts';

test('a Modelfile is read with its comments, quotes and long texts', () => {
  const text = [
    '# a comment',
    'FROM gpt-oss:20b',
    '',
    'parameter temperature 0.5',
    'PARAMETER stop "User: "',
    'PARAMETER stop AI:',
    'SYSTEM """You are Mario.',
    '  # no comment',
    'FROM here is text."""',
    'LICENSE Apache-2.0',
  ].join('\r\n');
  assert.deepEqual(readModelfile(text), {
    from: 'gpt-oss:20b',
    system: 'You are Mario.\n  # no comment\nFROM here is text.',
    parameters: { temperature: '0.5', stop: ['User: ', 'AI:'] },
  });
  assert.equal(readModelfile('SYSTEM """on one line"""').system, 'on one line');
  assert.equal(readModelfile('SYSTEM "in \\" quotes"').system, 'in \\" quotes');
});

test('what a Modelfile may not say is named', () => {
  assert.throws(() => readModelfile('FROM x\nADAPTER ./lora'), /ADAPTER is not supported/);
  assert.throws(() => readModelfile('FROM x\nMESSAGE user hi'), /MESSAGE is not supported/);
  assert.throws(() => readModelfile('what'), /line 1 is no instruction/);
  assert.throws(() => readModelfile('PARAMETER temperature'), /has no value/);
  assert.throws(() => readModelfile('FROM x\nSYSTEM """a\nb'), /after SYSTEM has no end/);
});

test('parameters come as numbers or texts, and those of the machine are left out by name', () => {
  const given = { temperature: '0.5', top_k: 40, stop: ['1'], num_predict: '12', num_ctx: '8192', num_gpu: 99 };
  assert.deepEqual(presetParameters(given), {
    parameters: { temperature: 0.5, topK: 40, stop: ['1'], maxTokens: 12 },
    left: ['num_ctx', 'num_gpu'],
  });
  assert.throws(() => presetParameters({ temperature: 'warm' }), { details: { param: 'parameters.temperature' } });
  assert.throws(() => presetParameters({ tempreature: 1 }), /there is no parameter "tempreature"/);
  assert.throws(() => presetParameters({ mirostat: 1 }), /mirostat/);
});

test('what is written is read back the same', () => {
  const system = 'Two lines,\nand "quotes".';
  const text = writeModelfile('ossia-nano', { system, parameters: { temperature: 0, stop: ['a b', 'c'], seed: 7 } });
  const { from, system: again, parameters } = readModelfile(text);
  assert.deepEqual([from, again], ['ossia-nano', system]);
  assert.deepEqual(presetParameters(parameters).parameters, { temperature: 0, stop: ['a b', 'c'], seed: 7 });
});
