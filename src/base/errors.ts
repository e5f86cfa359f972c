/** What went wrong, by stable code: the HTTP status it maps to, and what the reader can do next. */
export const problems = {
  'checkpoint/not-found': { status: 404, next: 'Check the path, or run `ossia pull` to download a model' },
  'checkpoint/unknown-layout': {
    status: 422,
    next: 'Point to a directory with config.json and *.safetensors, or to a .gguf file',
  },
  'checkpoint/unsupported-version': {
    status: 422,
    next: 'Convert the model again with a current llama.cpp, as little-endian GGUF of version 3',
  },
  'checkpoint/truncated': { status: 422, next: 'Download the file again: `ossia pull` resumes and verifies it' },
  'checkpoint/bad-header': { status: 422, next: 'The file is damaged or hostile: download it again from its source' },
  'checkpoint/too-large': {
    status: 422,
    next: 'The header asks for more than any gpt-oss file needs: do not trust it',
  },
  'checkpoint/overlap': { status: 422, next: 'The file is damaged or hostile: download it again from its source' },
  'checkpoint/bad-config': { status: 422, next: 'Compare the configuration with that of openai/gpt-oss-20b' },
  'checkpoint/unsupported-model': { status: 422, next: 'Ossia runs gpt-oss models only' },
  'checkpoint/missing-file': { status: 422, next: 'Run `ossia pull` again to complete the model' },
  'checkpoint/missing-tensor': {
    status: 422,
    next: 'The model is incomplete: run `ossia pull` again, or take it from its source',
  },
  'checkpoint/wrong-dtype': {
    status: 422,
    next: 'Use a checkpoint with MXFP4 experts and BF16, F16, F32 or Q8_0 dense tensors',
  },
  'checkpoint/wrong-shape': { status: 422, next: 'The tensor does not fit config.json: download the model again' },
  'checkpoint/training-layout': {
    status: 422,
    next: 'This is a bf16 checkpoint for training: convert its experts to MXFP4 first',
  },
  'checkpoint/nan-scale': {
    status: 422,
    next: 'The weights are damaged: run `ossia verify` and download the file again',
  },
  'checkpoint/not-finite': { status: 422, next: 'The weights are damaged: download the file again from its source' },
  'checkpoint/read-failed': { status: 500, next: 'Check the disk and the permissions of the file' },
  'store/unknown-model': { status: 404, next: 'Run `ossia list` for what is here, or `ossia pull` to download it' },
  'store/offline': { status: 502, next: 'Check the network and HF_ENDPOINT, then run the same command: it resumes' },
  'store/forbidden': { status: 403, next: 'Set HF_TOKEN to a token that may read this repository' },
  'store/corrupted': { status: 502, next: 'The bytes differ from their published SHA-256: run the command again' },
  'store/disk-full': { status: 507, next: 'Free disk space, or point HF_HOME at a larger disk' },
  'store/failed': { status: 502, next: 'Run the same command again: it resumes where it stopped' },
  'store/write-failed': {
    status: 500,
    next: 'Check the permissions of the model cache, or point HF_HOME to another place',
  },
  'store/busy': { status: 409, next: 'Wait until the other process has finished, or stop it' },
  'store/hostile': { status: 502, next: 'Do not trust this repository or server: check the name and HF_ENDPOINT' },
  'store/not-removable': { status: 409, next: 'Remove it with what put it there: `ollama rm`, or the file manager' },
  'tokenizer/bad-vocabulary': { status: 422, next: 'Compare tokenizer.json with that of openai/gpt-oss-20b' },
  'tokenizer/unknown-token': { status: 400, next: 'Token ids go from 0 to the size of the vocabulary less one' },
  'backend/unavailable': { status: 500, next: 'Run `ossia doctor` to see what this machine offers' },
  'backend/bad-operand': {
    status: 500,
    next: 'This is a bug in Ossia: please report it with the command that you ran',
  },
  'backend/out-of-memory': { status: 507, next: 'Close other programs, or use a smaller context (`--context`)' },
  'model/not-finite': { status: 500, next: 'The weights are damaged: run `ossia verify`' },
  'engine/context-full': { status: 400, next: 'Shorten the conversation, or load the model with a larger `--context`' },
  'engine/queue-full': { status: 503, next: 'Try again in a moment' },
  'engine/closed': { status: 503, next: 'Load the model again' },
  'engine/crashed': { status: 500, next: 'Load the model again; please report the message above' },
  'engine/bad-parameter': { status: 400, next: 'See docs/reference/sampling.md for the ranges' },
  'engine/nothing-allowed': { status: 500, next: 'Correct the constraint: it must always allow one token' },
  'grammar/bad-schema': { status: 400, next: 'Correct the JSON Schema at the path that the message names' },
  'grammar/unsupported-schema': {
    status: 400,
    next: 'Leave the keyword out, or ask for a constraint that is not strict',
  },
  'harmony/bad-conversation': { status: 400, next: 'See docs/reference/harmony.md for the form of a conversation' },
  'harmony/bad-json': { status: 400, next: 'Correct the JSON at the offset that the message names' },
  'harmony/bad-constraint': {
    status: 400,
    next: 'Correct the option that the message names: see docs/reference/harmony.md',
  },
  'harmony/parse': { status: 400, next: 'Use the recovering parser for text that a model wrote' },
  'chat/context-exceeded': {
    status: 400,
    next: "Send fewer messages, set truncation to 'auto', or load the model with a longer context",
  },
  'tools/search-failed': {
    status: 502,
    next: 'Check the address and the key of the search provider, or choose another: see docs/tools.md',
  },
  'tools/bad-option': { status: 400, next: 'Correct the option that the message names: see docs/tools.md' },
  'tools/no-python': {
    status: 500,
    next: 'Run `npm install` again, so that the package pyodide is complete; or leave the tool python out',
  },
  'tools/bad-config': { status: 400, next: 'Correct the place that the message names: see docs/mcp.md' },
  'tools/mcp-unreachable': {
    status: 502,
    next: 'Run the command by itself, or open the address, to see whether the MCP server is there: see docs/mcp.md',
  },
  'tools/no-folder': { status: 400, next: 'Give the path of a folder that exists and can be read' },
  'api/bad-request': { status: 400, next: 'Correct the parameter that the message names: see docs/server.md' },
  'api/unknown-model': { status: 404, next: 'See GET /v1/models for the models here, or `ossia pull` to download one' },
  'api/unknown-previous-response': {
    status: 400,
    next: 'Send the whole conversation as input; responses are kept for --store-days, and only if stored',
  },
  'api/not-found': { status: 404, next: 'Check the id, and that the response was stored' },
  'api/malformed-call': {
    status: 500,
    next: 'Ask again: only a turn that is not held to its grammar ends like this',
  },
  'api/unsupported': { status: 501, next: 'See docs/server.md for what this server offers' },
  'server/unauthorized': { status: 401, next: 'Send a valid key as `Authorization: Bearer …` or `x-api-key`' },
  'server/forbidden-host': {
    status: 403,
    next: 'Use the name the server was started with, or add it with --allow-host',
  },
  'server/forbidden-origin': { status: 403, next: "Add the page's origin with --cors-origin" },
  'server/too-large': { status: 413, next: 'Send a smaller body, or start the server with a larger --max-body' },
  'server/unsupported-encoding': { status: 415, next: 'Send the body as it is, without a content-encoding' },
  'server/unsupported-media-type': { status: 415, next: 'Send the body as JSON, with content-type: application/json' },
  'server/too-many-requests': { status: 429, next: 'Wait as long as retry-after says, then try again' },
  'server/timeout': { status: 504, next: 'Ask for fewer tokens, or start the server with a longer --request-timeout' },
  'server/draining': { status: 503, next: 'The server is shutting down: try again when it is back' },
  'server/unknown-route': { status: 404, next: 'See /openapi.json for what there is' },
  'server/method-not-allowed': { status: 405, next: 'Use one of the methods that the message names' },
  'server/bad-http': { status: 400, next: 'Send a well-formed HTTP/1.1 request' },
  'server/headers-too-large': { status: 431, next: 'Send fewer or shorter headers' },
  'server/slow-request': { status: 408, next: 'Send the whole request without long pauses' },
  'server/bad-option': { status: 400, next: 'Correct the option that the message names: see docs/server.md' },
  'server/cannot-listen': { status: 500, next: 'Choose another port with --port, or stop what uses it' },
  'server/model-too-large': {
    status: 507,
    next: 'Start the server with a larger --max-memory or a smaller --context, or ask for a smaller model',
  },
  'server/store-failed': { status: 500, next: 'Check the disk and the permissions of the data directory' },
  'conform/unreachable': { status: 502, next: 'Start the server, and check the address and its port' },
  'conform/no-model': { status: 404, next: 'Name the model to test with, --model' },
  'cli/usage': { status: 400, next: 'Run the command with --help' },
  'cli/bad-input': { status: 400, next: 'See docs/inspect.md for the form of each request' },
  'cli/no-server': {
    status: 502,
    next: 'Start one with `ossia serve`, or name another with --host or OSSIA_HOST',
  },
  'cli/server-refused': { status: 502, next: 'Do what the message says; the log of the server may say more' },
  'cli/unexpected': { status: 500, next: 'Run again with OSSIA_DEBUG=1, and report what it prints' },
} as const;

export type ProblemCode = keyof typeof problems;

/**
 * Every error that Ossia raises on purpose. `message` says what was attempted and what was found;
 * `next` says what to do about it; `code` never changes.
 */
export class OssiaError extends Error {
  readonly code: ProblemCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ProblemCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OssiaError';
    this.code = code;
    this.details = options.details ?? {};
  }

  get status(): number {
    return problems[this.code].status;
  }

  get next(): string {
    return problems[this.code].next;
  }
}
