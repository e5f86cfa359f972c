/**
 * A server in a process of its own, for tests that kill it: `node responses-process.ts <data directory>`. Prints its URL, and
 * answers slowly enough to be killed in the middle.
 */
import { scriptedModel } from '../../src/chat/testing.ts';
import { startServer } from '../../src/server/index.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { TestHost } from './server.ts';

const words = Array.from({ length: 12 }, (_, i) => ` word${i}`).join('');
const turn = `<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>${words}<|return|>`;
const model = scriptedModel(o200kHarmony(), new Array(10_000).fill(turn), { msPerToken: 2 });
const [, , dataDirectory = ''] = process.argv;
const server = await startServer({ port: 0, dataDirectory, host: new TestHost({ scripted: model }) });
process.stdout.write(`${server.url}\n`);
