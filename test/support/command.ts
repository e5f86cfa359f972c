import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const bin = fileURLToPath(new URL('../../bin/ossia.js', import.meta.url));

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export interface RunOptions {
  /** Standard input; left out, the command gets none. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs the `ossia` command as users do, in a process of its own. */
export function ossia(args: readonly string[], { input, env = {}, cwd = root }: RunOptions = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => {}); // the command may end without reading it
  child.stdin?.end(input);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...text, code }));
  });
}

/** Sends requests as JSON lines and returns the answers, one a line. */
export async function ask(
  args: readonly string[],
  requests: readonly unknown[],
): Promise<{ answers: unknown[]; outcome: Outcome }> {
  const input = requests
    .map((request) => `${typeof request === 'string' ? request : JSON.stringify(request)}\n`)
    .join('');
  const outcome = await ossia(args, { input });
  const answers = outcome.stdout
    .split('\n')
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line));
  return { answers, outcome };
}
