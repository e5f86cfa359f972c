import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openResponseStore } from '../../src/server/store/index.ts';
import type { WireEvent } from '../support/response-stream.ts';

const directory = mkdtempSync(join(tmpdir(), 'ossia-kill-'));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

const sqlite = await import('node:sqlite').catch(() => undefined);
const skip = sqlite === undefined ? 'this Node.js has no SQLite' : false;

interface Seen {
  /** Responses that were said to be there, at all or complete. */
  readonly begun: Set<string>;
  readonly completed: Map<string, unknown>;
  /** The stream or the connection broke off. */
  broken: number;
}

interface Whole {
  readonly id: string;
  readonly status: string;
  readonly output: unknown;
}

async function startProcess(): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const program = fileURLToPath(new URL('../support/responses-process.ts', import.meta.url));
  const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout! });
  const [url] = (await once(lines, 'line')) as [string];
  return { child, url };
}

/** Asks again and again, in one of three ways, until the server is gone. */
async function askUntilGone(url: string, kind: number, seen: Seen, onCompleted: () => void): Promise<void> {
  for (;;) {
    const body = JSON.stringify({ input: 'Go', stream: kind === 1, background: kind === 2 });
    const headers = { 'content-type': 'application/json' };
    try {
      const response = await fetch(`${url}/v1/responses`, { method: 'POST', headers, body });
      if (kind === 1) await readStream(response, seen, onCompleted);
      else {
        const whole = await untilFinished(url, (await response.json()) as Whole, seen);
        seen.completed.set(whole.id, whole.output);
        onCompleted();
      }
    } catch {
      seen.broken++;
      return;
    }
  }
}

/** A background response is asked for until it is there. */
async function untilFinished(url: string, response: Whole, { begun }: Seen): Promise<Whole> {
  begun.add(response.id);
  for (let whole = response; ; ) {
    if (whole.status === 'completed') return whole;
    assert.ok(whole.status === 'queued' || whole.status === 'in_progress', whole.status);
    whole = (await (await fetch(`${url}/v1/responses/${whole.id}`)).json()) as Whole;
  }
}

async function readStream({ body }: Response, { begun, completed }: Seen, onCompleted: () => void): Promise<void> {
  let text = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = JSON.parse(block.slice(block.indexOf('data: ') + 6)) as WireEvent;
      const response = event.response as { id: string; output: unknown } | undefined;
      if (response) begun.add(response.id);
      if (event.type !== 'response.completed') continue;
      completed.set(response!.id, response!.output);
      onCompleted();
    }
  }
}

test('a kill in the middle of everything loses nothing that was acknowledged', { skip }, async () => {
  const seen: Seen = { begun: new Set(), completed: new Map(), broken: 0 };
  for (let round = 0; round < 4; round++) {
    const { child, url } = await startProcess();
    let left = 10 + 3 * round;
    const exited = once(child, 'exit');
    const kill = () => {
      if (--left === 0) child.kill('SIGKILL'); // the very moment after something was acknowledged
    };
    await Promise.all([0, 1, 2, 0, 1, 1].map((kind) => askUntilGone(url, kind, seen, kill)));
    await exited;
  }
  assert.ok(seen.completed.size >= 20, `${seen.completed.size} completed`);
  assert.ok(seen.broken >= 4 && seen.begun.size > seen.completed.size, 'something was killed in the middle');

  const store = await openResponseStore({ directory });
  for (const id of seen.begun) {
    const status = store.get(id)?.response.status;
    assert.ok(status === 'completed' || status === 'failed', `${id} was said to exist, and is ${status}`);
  }
  for (const [id, output] of seen.completed) {
    const stored = store.get(id);
    assert.equal(stored?.response.status, 'completed');
    assert.deepEqual(stored.response.output, output);
  }
  store.close();
  const database = new sqlite!.DatabaseSync(join(directory, 'responses.db'));
  assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
  database.close();
});
