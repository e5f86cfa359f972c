import { createInterface } from 'node:readline';

/** Lines of one paste arrive within a few milliseconds; nobody types that fast. */
const PASTE_GAP_MS = 20;

/** What came of asking for a message: its text, Ctrl-C, or the end of the input (Ctrl-D). */
export type Input = { readonly type: 'text'; readonly text: string } | { readonly type: 'interrupt' | 'end' };

export interface EditorOptions {
  readonly prompt: string;
  /** Shown before the lines after the first. */
  readonly continuation: string;
  /** Newest first, as readline wants it; the editor adds what is entered. */
  readonly history: string[];
  readonly complete: (line: string) => readonly string[];
}

/**
 * Edits one message on the terminal, with arrow keys through the history. The terminal is in raw mode only while this
 * runs, so that at other times Ctrl-C is an ordinary signal.
 *
 * A line that ends in a backslash goes on in the next one, and lines that are pasted together stay together.
 */
export function editMessage({ prompt, continuation, history, complete }: EditorOptions): Promise<Input> {
  const editor = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    prompt,
    history: [...history],
    historySize: Math.max(1, history.length),
    completer: (line: string) => [[...complete(line)], line],
  });
  return new Promise((resolve) => {
    const lines: string[] = [];
    let timer: NodeJS.Timeout | undefined;
    const finish = (input: Input) => {
      clearTimeout(timer);
      editor.removeAllListeners('close');
      editor.close();
      resolve(input);
    };
    editor.on('line', (line) => {
      clearTimeout(timer);
      const goesOn = line.endsWith('\\');
      lines.push(goesOn ? line.slice(0, -1) : line);
      if (goesOn) return ask();
      timer = setTimeout(() => {
        if (editor.line === '') return finish({ type: 'text', text: lines.join('\n') });
        // The paste ended within a line: it waits for Enter.
      }, PASTE_GAP_MS);
    });
    const ask = () => {
      editor.setPrompt(continuation);
      editor.prompt();
    };
    editor.on('SIGINT', () => {
      process.stdout.write('^C\n');
      finish({ type: 'interrupt' });
    });
    editor.on('close', () => {
      process.stdout.write('\n');
      finish({ type: 'end' });
    });
    editor.prompt();
  });
}
