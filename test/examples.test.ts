import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = new URL('..', import.meta.url);
const fromSource = new URL('support/ossia-from-source.ts', import.meta.url).href;

/** What each example must print. */
const expected: Readonly<Record<string, RegExp>> = {
  'cancel.ts': /^\S+( \S+){2,5} *… ended by: cancelled\n$/,
  'harmony.ts':
    /Weather in Oslo\?<\|end\|><\|start\|>assistant\nfunctions\.get_weather \{"city":"Oslo"\}\nrepaired: .*recipient-normalized/,
  'hello.ts': /^\w.{20,}\.\n$/,
  'logits.ts': /^ *\d\d\.\d\d % ".+"\n( +\d+\.\d\d % .+\n){2}(layer \d: experts \d+(, \d+){3}\n){4}$/,
  'replay.ts': /\nseed 7 again: the same\nseed 8: another answer\n$/,
  'tools.ts': /^calls get_weather\(\{"city":"Paris"\}\)\n.*Paris.*\n$/,
};

test('every example has its expectation here', () => {
  assert.deepEqual(
    readdirSync(new URL('examples', root)).filter((name) => name.endsWith('.ts')),
    Object.keys(expected),
  );
});

for (const [name, output] of Object.entries(expected)) {
  test(`examples/${name} runs and prints what it promises`, async () => {
    const program = fileURLToPath(new URL(`examples/${name}`, root));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', fromSource, program], {
      timeout: 60_000,
    });
    assert.match(stdout, output);
  });
}
