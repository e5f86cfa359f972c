import { InspectIcon } from '../shell/icons.tsx';
import { hrefOf } from '../shell/route.ts';
import type { AssistantNode } from '../state/tree.ts';
import { turnById } from '../state/turns.ts';

/** What an answer took, and where to look into it. */
export function UsageLine({ node }: { readonly node: AssistantNode }) {
  const { usage, end, model, turn } = node;
  const speed = usage && end && end.steps === 0 ? speedOf(usage.outputTokens, end.timing.decodeMs) : undefined;
  return (
    <p class="usage number">
      {model !== '' && <span class="usage-model">{model}</span>}
      {usage && (
        <span
          title={`${usage.promptTokens.toLocaleString()} tokens read, ${usage.reasoningTokens.toLocaleString()} of the tokens written were thoughts`}
        >
          {usage.outputTokens.toLocaleString()} tokens
        </span>
      )}
      {speed && <span>{speed} tok/s</span>}
      {usage && usage.cachedTokens > 0 && (
        <span title="Of the prompt, taken from a kept prefix">{usage.cachedTokens.toLocaleString()} cached</span>
      )}
      {end && <span title="The same seed gives the same answer">seed {end.seed}</span>}
      {turn !== undefined && (turnById(turn)?.steps.length ?? 0) > 0 && (
        <a class="inspect" href={hrefOf('inspector', turn)}>
          <InspectIcon size={14} />
          Inspect
        </a>
      )}
    </p>
  );
}

function speedOf(tokens: number, ms: number): string | undefined {
  if (tokens < 2 || ms <= 0) return undefined;
  const speed = (tokens / ms) * 1000;
  return speed < 100 ? speed.toFixed(1) : Math.round(speed).toLocaleString();
}
