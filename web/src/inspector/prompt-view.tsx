import { useState } from 'preact/hooks';
import { Scroll } from '../charts/scroll.tsx';
import { copyText } from '../shell/copy-button.tsx';
import { CheckIcon, CopyIcon } from '../shell/icons.tsx';
import type { TracedStep } from '../state/turns.ts';

/** What the model was given, as text with its control tokens. */
export function PromptView({ step }: { readonly step: TracedStep }) {
  const [copied, setCopied] = useState(false);
  const text = step.prompt.map((token) => token.text).join('');
  const computed = step.prompt.length - step.cached;
  return (
    <section class="prompt-view">
      <div class="prompt-head">
        <p class="quiet">
          {step.prompt.length} tokens: {step.cached} from the cache, {computed} computed.
        </p>
        <button
          type="button"
          class="button"
          onClick={() => {
            void copyText(text).then((isCopied) => {
              setCopied(isCopied);
              setTimeout(() => setCopied(false), 2000);
            });
          }}
        >
          {copied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
          <span aria-live="polite">{copied ? 'Copied' : 'Copy'}</span>
        </button>
      </div>
      <Scroll label="Rendered prompt" class="rendered">
        <pre>
          {pieces(step).map(([kind, piece], index) => (
            <span key={index} class={kind}>
              {piece}
            </span>
          ))}
        </pre>
      </Scroll>
    </section>
  );
}

/** Runs of text, and each control token by itself on the way. */
function pieces({ prompt, cached }: TracedStep): readonly (readonly [string, string])[] {
  const found: [string, string][] = [];
  prompt.forEach((token, position) => {
    const kind = `${token.control ? 'control' : 'text'} ${position < cached ? 'cached' : ''}`;
    const before = found.at(-1);
    const text = token.control && token.text === '<|end|>' ? `${token.text}\u200a\n` : token.text;
    if (before && before[0] === kind && !token.control) before[1] += text;
    else found.push([kind, text]);
  });
  return found;
}
