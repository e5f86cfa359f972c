import type { ItemEvent } from './events.ts';
import type { UrlCitation } from './hosted/items.ts';
import { newId } from './ids.ts';
import type {
  CustomToolCallItem,
  FunctionCallItem,
  ItemStatus,
  Logprob,
  MessageItem,
  OutputItem,
  OutputText,
  ReasoningItem,
} from './items.ts';
import type { CalledTool } from './tools.ts';

/** An item of the output that is being written. Every method gives the events of what it does. */
export interface Draft {
  readonly item: OutputItem;
  begin(): ItemEvent[];
  end(status: Exclude<ItemStatus, 'in_progress'>): ItemEvent[];
  /** What was shown of it is void: it ends empty. */
  void(): ItemEvent[];
}

export class ReasoningDraft implements Draft {
  #item: ReasoningItem = { id: newId('rs'), type: 'reasoning', summary: [], content: [], status: 'in_progress' };
  #text = '';
  readonly #summarizes: boolean;

  /** `summarizes`: the thoughts are sent as a summary as well. */
  constructor(summarizes: boolean) {
    this.#summarizes = summarizes;
  }

  get item(): ReasoningItem {
    return this.#item;
  }

  begin(): ItemEvent[] {
    const summaryPart = { type: 'summary_text', text: '' } as const;
    return [
      { type: 'response.output_item.added', item: this.#item },
      ...(this.#summarizes
        ? [{ type: 'response.reasoning_summary_part.added', summary_index: 0, part: summaryPart } as const]
        : []),
      { type: 'response.content_part.added', content_index: 0, part: { type: 'reasoning_text', text: '' } },
    ];
  }

  write(delta: string): ItemEvent[] {
    this.#text += delta;
    return [
      { type: 'response.reasoning_text.delta', content_index: 0, delta },
      ...(this.#summarizes
        ? [{ type: 'response.reasoning_summary_text.delta', summary_index: 0, delta } as const]
        : []),
    ];
  }

  /** `sealed`: what the model really wrote, if the client shall keep it. */
  end(status: 'completed' | 'incomplete', sealed?: string): ItemEvent[] {
    const text = this.#text;
    const part = { type: 'reasoning_text', text } as const;
    const summaryPart = { type: 'summary_text', text } as const;
    this.#item = {
      ...this.#item,
      summary: this.#summarizes ? [summaryPart] : [],
      content: [part],
      ...(sealed === undefined ? {} : { encrypted_content: sealed }),
      status,
    };
    const summaryEvents: ItemEvent[] = [
      { type: 'response.reasoning_summary_text.done', summary_index: 0, text },
      { type: 'response.reasoning_summary_part.done', summary_index: 0, part: summaryPart },
    ];
    return [
      { type: 'response.reasoning_text.done', content_index: 0, text },
      { type: 'response.content_part.done', content_index: 0, part },
      ...(this.#summarizes ? summaryEvents : []),
      { type: 'response.output_item.done', item: this.#item },
    ];
  }

  void(): ItemEvent[] {
    this.#text = '';
    return this.end('incomplete');
  }
}

export class MessageDraft implements Draft {
  #item: MessageItem;
  #text = '';
  #logprobs: Logprob[] = [];

  constructor(phase: MessageItem['phase']) {
    this.#item = { id: newId('msg'), type: 'message', role: 'assistant', status: 'in_progress', phase, content: [] };
  }

  get item(): MessageItem {
    return this.#item;
  }

  begin(): ItemEvent[] {
    return [
      { type: 'response.output_item.added', item: this.#item },
      { type: 'response.content_part.added', content_index: 0, part: outputText('', []) },
    ];
  }

  write(delta: string, logprobs: readonly Logprob[]): ItemEvent[] {
    this.#text += delta;
    this.#logprobs.push(...logprobs);
    return [{ type: 'response.output_text.delta', content_index: 0, delta, logprobs }];
  }

  /** The text so far. */
  get text(): string {
    return this.#text;
  }

  end(status: 'completed' | 'incomplete', annotations: readonly UrlCitation[] = []): ItemEvent[] {
    const part = outputText(this.#text, this.#logprobs, annotations);
    this.#item = { ...this.#item, status, content: [part] };
    return [
      ...annotations.map((annotation, annotation_index): ItemEvent => {
        const place = { content_index: 0, annotation_index };
        return { type: 'response.output_text.annotation.added', ...place, annotation };
      }),
      { type: 'response.output_text.done', content_index: 0, text: part.text, logprobs: part.logprobs },
      { type: 'response.content_part.done', content_index: 0, part },
      { type: 'response.output_item.done', item: this.#item },
    ];
  }

  void(): ItemEvent[] {
    this.#text = '';
    this.#logprobs = [];
    return this.end('incomplete');
  }
}

function outputText(text: string, logprobs: readonly Logprob[], annotations: readonly UrlCitation[] = []): OutputText {
  return { type: 'output_text', text, annotations, logprobs };
}

/** A call of a function, or of a tool that takes plain text. */
export class CallDraft implements Draft {
  #item: FunctionCallItem | CustomToolCallItem;

  constructor(tool: CalledTool, callId: string) {
    const { name, namespace } = tool;
    const named = { name, ...(namespace === undefined ? {} : { namespace }) };
    this.#item =
      tool.type === 'custom'
        ? { id: newId('ctc'), type: 'custom_tool_call', status: 'in_progress', call_id: callId, ...named, input: '' }
        : { id: newId('fc'), type: 'function_call', status: 'in_progress', call_id: callId, ...named, arguments: '' };
  }

  get item(): FunctionCallItem | CustomToolCallItem {
    return this.#item;
  }

  begin(): ItemEvent[] {
    return [{ type: 'response.output_item.added', item: this.#item }];
  }

  write(delta: string): ItemEvent[] {
    const isCustom = this.#item.type === 'custom_tool_call';
    return [{ type: `response.${isCustom ? 'custom_tool_call_input' : 'function_call_arguments'}.delta`, delta }];
  }

  /** `written`: all that it was called with. A function that was called with nothing, or with blanks, gets an empty object. */
  end(status: 'completed' | 'incomplete', written = ''): ItemEvent[] {
    if (this.#item.type === 'custom_tool_call') {
      this.#item = { ...this.#item, status, input: written };
      return [
        { type: 'response.custom_tool_call_input.done', input: written },
        { type: 'response.output_item.done', item: this.#item },
      ];
    }
    const isBare = written.trim() === '' && status === 'completed';
    this.#item = { ...this.#item, status, arguments: isBare ? `${written}{}` : written };
    return [
      ...(isBare ? this.write('{}') : []),
      { type: 'response.function_call_arguments.done', arguments: this.#item.arguments, name: this.#item.name },
      { type: 'response.output_item.done', item: this.#item },
    ];
  }

  void(): ItemEvent[] {
    return this.end('incomplete');
  }
}
