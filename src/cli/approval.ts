import { createInterface } from 'node:readline';
import type { ActCall, ActOptions, Approval } from '../index.ts';
import { printable, type Terminal } from './terminal.ts';

/** How calls that need approval get it: from the person at the terminal, for all with `--yes`, or not at all. */
export function approvalOf(
  terminal: Terminal,
  { yes = false }: { readonly yes?: boolean },
): Pick<ActOptions, 'approve' | 'isAllowed'> {
  if (yes) return { isAllowed: () => true };
  if (!terminal.interactive || !terminal.out.isTerminal) {
    const reason = 'nobody is there who could be asked';
    return { approve: async () => ({ allowed: false, reason }) };
  }
  const always = new Set<string>();
  return {
    isAllowed: (call) => always.has(nameOf(call)),
    approve: async (call, signal) => {
      terminal.out.freshLine();
      const answer = await ask(`Run ${printable(nameOf(call))}? [y]es, [n]o, [a]lways: `, signal);
      if (/^a(?:lways)?$/i.test(answer)) always.add(nameOf(call));
      else if (!/^y(?:es)?$/i.test(answer)) return refusalOf(answer);
      return { allowed: true };
    },
  };
}

/** More than `n` is a word to the model. */
function refusalOf(answer: string): Approval {
  return /^(?:no?)?$/i.test(answer) ? { allowed: false } : { allowed: false, reason: answer };
}

function nameOf({ tool, name }: ActCall): string {
  return tool === name ? name : `${tool} ${name}`;
}

/** Ctrl-C is a no, and stops the turn as everywhere else. */
function ask(question: string, signal: AbortSignal): Promise<string> {
  const editor = createInterface({ input: process.stdin, output: process.stdout, terminal: true });
  return new Promise((resolve) => {
    const finish = (answer: string) => {
      signal.removeEventListener('abort', leave);
      resolve(answer.trim()); // closing would be an answer too
      editor.close();
    };
    const leave = () => finish('no');
    signal.addEventListener('abort', leave, { once: true });
    editor.on('SIGINT', () => {
      process.stdout.write('^C\n');
      finish('no');
      process.kill(process.pid, 'SIGINT');
    });
    editor.on('close', () => finish('no'));
    editor.question(question, finish);
  });
}
