import { bits, probability } from '../charts/format.ts';
import type { OutputToken, TokenText as Text } from '../net/types.ts';
import type { TracedStep } from '../state/turns.ts';
import { visible } from './bands.ts';
import { TokenExperts } from './token-experts.tsx';
import { type Placed, placed, rankOf, surprise } from './trace.ts';

/** All that is known of one token. */
export function Detail({ step, position }: { readonly step: TracedStep; readonly position: number }) {
  const found = placed(step, position);
  if (!found) return <p class="quiet">Choose a token.</p>;
  return (
    <div class="detail">
      <p class="detail-token">
        <TokenChip token={found.token} />
        <span class="chip">{statusOf(found)}</span>
      </p>
      <dl class="facts">
        <dt>Position</dt>
        <dd>
          {position}
          {found.part === 'output' && <small> · output {position - step.prompt.length + 1}</small>}
        </dd>
        <dt>Id</dt>
        <dd>{found.token.id}</dd>
        <dt>Text</dt>
        <dd>
          <code class="wrap">{JSON.stringify(found.token.text)}</code>
        </dd>
        <dt>Bytes</dt>
        <dd>
          <code class="wrap">{hexOf(found.token)}</code>
        </dd>
        {found.part === 'output' ? <OutputFacts token={found.token} /> : <PromptFacts found={found} />}
      </dl>
      {found.part === 'output' && <Alternatives token={found.token} />}
      <TokenExperts step={step} position={position} />
    </div>
  );
}

export function TokenChip({ token }: { readonly token: Text }) {
  return <span class={`token alone ${token.control ? 'control' : ''}`}>{visible(token.text, true)}</span>;
}

function statusOf(found: Placed): string {
  if (found.part === 'prompt') return found.cached ? 'given · from the cache' : 'given · computed';
  return found.token.forced ? 'forced by the grammar' : 'sampled';
}

function OutputFacts({ token }: { readonly token: OutputToken }) {
  const rank = rankOf(token);
  return (
    <>
      <dt>Channel</dt>
      <dd>{token.channel}</dd>
      <dt>Probability</dt>
      <dd>
        {probability(token.probability)}{' '}
        <small>
          {rank === undefined ? `not among the first ${token.top.length}` : `rank ${rank}`} · surprise{' '}
          {Number.isFinite(surprise(token)) ? bits(surprise(token)) : 'endless'}
        </small>
      </dd>
      {token.entropy !== undefined && (
        <>
          <dt>Entropy</dt>
          <dd>
            {bits(token.entropy)} <small>like {plainCount(2 ** token.entropy)} equal choices</small>
          </dd>
        </>
      )}
    </>
  );
}

function plainCount(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en');
}

function PromptFacts({ found }: { readonly found: Extract<Placed, { part: 'prompt' }> }) {
  const { role, channel } = found.token;
  return (
    <>
      <dt>Role</dt>
      <dd>{channel ? `${role}, ${channel}` : role}</dd>
    </>
  );
}

/** Bars, best first; the chosen one is marked, and added where it is not among them. What is left over comes last. */
function Alternatives({ token }: { readonly token: OutputToken }) {
  const told = token.top.some(({ id }) => id === token.id) ? token.top : [...token.top, token];
  if (token.forced) return <p class="quiet small only">Nothing else could come here, so the model was not asked.</p>;
  const rest = Math.max(0, 1 - told.reduce((sum, each) => sum + each.probability, 0));
  return (
    <section class="alternatives">
      <h2>
        Alternatives <small>before temperature and truncation</small>
      </h2>
      <ol>
        {told.map((each) => (
          <li key={each.id} class={each.id === token.id ? 'chosen' : ''}>
            <span class="alternative-text">
              <TokenChip token={each} />
              {each.id === token.id && <span class="chosen-mark">chosen</span>}
            </span>
            <Bar share={each.probability} />
            <span class="number">{probability(each.probability)}</span>
          </li>
        ))}
        <li class="rest">
          <span class="alternative-text">all others</span>
          <Bar share={rest} />
          <span class="number">{rest < 1e-7 ? '≈ 0' : probability(rest)}</span>
        </li>
      </ol>
    </section>
  );
}

export function Bar({ share }: { readonly share: number }) {
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ width: `${Math.max(0, Math.min(1, share)) * 100}%` }} />
    </span>
  );
}

/** UTF-8; a piece of a character is told as escapes, which are its bytes already. */
function hexOf({ text }: Text): string {
  const pieces = text.match(/\\x[0-9a-f]{2}|[^\\]+|\\/g) ?? [];
  const encoder = new TextEncoder();
  const hex = pieces.flatMap((piece) =>
    /^\\x[0-9a-f]{2}$/.test(piece)
      ? [piece.slice(2)]
      : [...encoder.encode(piece)].map((byte) => byte.toString(16).padStart(2, '0')),
  );
  return hex.join(' ');
}
