import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Job, now, SAMPLING, type Subject } from './subject.ts';

/** What this bench uses of node-llama-cpp, which is no dependency and so has no types here. */
interface NodeLlamaCpp {
  readonly LlamaLogLevel: { readonly error: string };
  getLlama(options: object): Promise<{
    readonly llamaCppRelease: { readonly repo: string; readonly release: string };
    loadModel(options: object): Promise<{ createContext(options: object): Promise<Context> }>;
    dispose(): Promise<void>;
  }>;
}

interface Context {
  getSequence(): { evaluate(tokens: readonly number[], options: object): AsyncIterable<number> };
  dispose(): Promise<void>;
}

/** llama.cpp as a JavaScript program uses it: node-llama-cpp's public interface, on the processor. */
export async function openLlamaCpp({ model: modelPath, threads, peerFolder }: Job): Promise<Subject> {
  const url = pathToFileURL(join(peerFolder, 'node_modules/node-llama-cpp/dist/index.js'));
  const { getLlama, LlamaLogLevel }: NodeLlamaCpp = await import(url.href);
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    maxThreads: 0,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  });
  const model = await llama.loadModel({ modelPath });
  const { repo, release } = llama.llamaCppRelease;
  return {
    description: `${repo} ${release}`,
    async generate(prompts, count) {
      const context = await model.createContext({
        contextSize: Math.max(256, Math.max(...prompts.map(({ length }) => length)) + count + 16),
        sequences: prompts.length,
        batchSize: 512,
        threads,
      });
      const sequences = prompts.map(() => context.getSequence());
      const submitted = now();
      const streams = sequences.map(async (sequence, i) => {
        const arrivals: number[] = [];
        const tokens: number[] = [];
        for await (const token of sequence.evaluate(prompts[i]!, { ...SAMPLING, yieldEogToken: true })) {
          arrivals.push(now());
          tokens.push(token);
          if (tokens.length === count) break;
        }
        return { arrivals, tokens };
      });
      const results = await Promise.all(streams);
      await context.dispose();
      return {
        submitted,
        arrivals: results.map(({ arrivals }) => arrivals),
        tokens: results.map(({ tokens }) => tokens),
      };
    },
    close: () => llama.dispose(),
  };
}
