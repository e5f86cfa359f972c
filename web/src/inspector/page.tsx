import { useState } from 'preact/hooks';
import { bits, count, duration, grouped } from '../charts/format.ts';
import { save } from '../charts/save.ts';
import { DownloadIcon, PlusIcon } from '../shell/icons.tsx';
import { hrefOf } from '../shell/route.ts';
import type { TracedStep, TurnRecord } from '../state/turns.ts';
import { CompareView, nameOf } from './compare-view.tsx';
import { Detail } from './detail.tsx';
import { Experts } from './experts.tsx';
import { traceCsv, traceJson } from './export.ts';
import '../charts/segments.css';
import './inspector.css';
import './beside.css';
import './compare.css';
import { Legend, MeasureSwitch } from './legend.tsx';
import { Minimap } from './minimap.tsx';
import { PromptView } from './prompt-view.tsx';
import { Replay, Untraced } from './replay.tsx';
import { RunForm, RunStatus } from './run-form.tsx';
import {
  isForgotten,
  openTurn,
  promptShown,
  type Side,
  shown,
  side,
  step,
  stepIndex,
  traced,
  turn,
  untraced,
  type View,
  view,
} from './state.ts';
import { Tabs } from './tabs.tsx';
import { TokenText } from './token-text.tsx';
import { factsOf } from './trace.ts';

/** A turn, token by token: what the model was given, what it chose, how sure it was, and who computed it. */
export default function Inspector() {
  const [formOpen, openForm] = useState(false);
  const isOpen = formOpen || !turn.value;
  return (
    <div class="page inspector">
      <header class="page-head">
        <div>
          <h1>Inspector</h1>
          <p class="quiet">
            A turn token by token: how sure the model was, what else it could have said, and which experts computed it.
          </p>
        </div>
        {turn.value && (
          <button type="button" class="button" aria-expanded={formOpen} onClick={() => openForm(!formOpen)}>
            <PlusIcon size={16} /> New turn
          </button>
        )}
      </header>
      {isOpen && <RunForm onDone={() => openForm(false)} />}
      <RunStatus />
      {untraced.value && <Untraced record={untraced.value} />}
      {isForgotten.value && (
        <p class="notice note">
          That turn is not kept any more: turns last as long as the page. {turn.value && 'This is the newest.'}
        </p>
      )}
      {turn.value && step.value ? <Turn record={turn.value} current={step.value} /> : <Nothing />}
    </div>
  );
}

function Nothing() {
  return (
    <p class="quiet empty">
      No turn has been traced yet. Run a prompt above, or ask in the <a href={hrefOf('chat')}>chat</a> and open its
      answer here.
    </p>
  );
}

function Turn({ record, current }: { readonly record: TurnRecord; readonly current: TracedStep }) {
  return (
    <>
      <TurnBar record={record} />
      <Facts record={record} current={current} />
      <Tabs<View>
        label="Views of the turn"
        names={{ tokens: 'Tokens', compare: 'Replay & compare', prompt: 'Rendered prompt' }}
        chosen={view}
        panel="inspector-view"
      />
      <div id="inspector-view" role="tabpanel" aria-label="View of the turn">
        {view.value === 'tokens' && <Tokens record={record} current={current} />}
        {view.value === 'compare' && (
          <>
            <Replay record={record} />
            <CompareView mine={record} step={current} index={stepIndex.value} />
          </>
        )}
        {view.value === 'prompt' && <PromptView step={current} />}
      </div>
    </>
  );
}

function TurnBar({ record }: { readonly record: TurnRecord }) {
  const name = `ossia-turn-${record.id}`;
  return (
    <div class="turn-bar">
      <label class="chooser">
        <span>Turn</span>
        <select class="field" value={record.id} onChange={(event) => openTurn(event.currentTarget.value)}>
          {traced.value.map((each) => (
            <option key={each.id} value={each.id}>
              {nameOf(each)}
            </option>
          ))}
        </select>
      </label>
      {record.steps.length > 1 && (
        <label class="chooser">
          <span>Step</span>
          <select
            class="field"
            value={stepIndex.value}
            onChange={(event) => {
              stepIndex.value = Number(event.currentTarget.value);
            }}
          >
            {record.steps.map((each, index) => (
              <option key={index} value={index}>
                {index + 1} of {record.steps.length} · {count(each.output.length, 'token')}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="exports">
        <button
          type="button"
          class="button"
          onClick={() => save(`${name}.json`, 'application/json', traceJson(record))}
        >
          <DownloadIcon size={16} /> JSON
        </button>
        <button type="button" class="button" onClick={() => save(`${name}.csv`, 'text/csv', traceCsv(record))}>
          <DownloadIcon size={16} /> CSV
        </button>
      </div>
    </div>
  );
}

function Facts({ record, current }: { readonly record: TurnRecord; readonly current: TracedStep }) {
  const facts = factsOf(current.output);
  const sampled = facts.tokens - facts.forced;
  const options = record.body.options;
  const kept = record.steps.reduce((sum, { output }) => sum + output.length, 0);
  const written = record.usage?.outputTokens ?? kept;
  const told = [
    record.model,
    `prompt ${grouped(current.prompt.length)}, ${grouped(current.cached)} cached`,
    `output ${grouped(facts.tokens)}, ${grouped(facts.forced)} forced`,
    ...(written > kept ? [`the first ${grouped(kept)} of ${grouped(written)} tokens were kept`] : []),
    `${bits(facts.meanSurprise)} of surprise a choice`,
    ...(facts.meanEntropy === undefined ? [] : [`${bits(facts.meanEntropy)} of entropy`]),
    ...(sampled === 0 ? [] : [`${Math.round((100 * facts.greedy) / sampled)} % the most probable`]),
    ...(record.end ? [`seed ${record.end.seed}`, `ended: ${record.end.reason}`] : []),
    ...(options?.temperature === undefined ? [] : [`temperature ${options.temperature}`]),
    ...(record.end?.timing ? [`decoded in ${duration(record.end.timing.decodeMs)}`] : []),
  ];
  return (
    <ul class="told" aria-label="The turn in numbers">
      {told.map((each) => (
        <li key={each} class="chip">
          {each}
        </li>
      ))}
    </ul>
  );
}

function Tokens({ record, current }: { readonly record: TurnRecord; readonly current: TracedStep }) {
  return (
    <div class="workbench">
      <div class="reading">
        <Minimap step={current} />
        <div class="reading-controls">
          <MeasureSwitch />
          <label class="check">
            <input
              type="checkbox"
              checked={promptShown.value}
              onChange={(event) => {
                promptShown.value = event.currentTarget.checked;
              }}
            />
            prompt ({current.prompt.length})
          </label>
        </div>
        <TokenText key={`${record.id}/${stepIndex.value}`} step={current} />
        <Legend />
        <p class="keys-hint" id="tokens-keys">
          <kbd>←</kbd> <kbd>→</kbd> token, <kbd>↑</kbd> <kbd>↓</kbd> line, <kbd>n</kbd> next surprise, <kbd>N</kbd> the
          one before
        </p>
      </div>
      <aside class="looking card" aria-label="About the token and the experts">
        <Tabs<Side>
          label="Beside the text"
          names={{ token: 'Token', experts: 'Experts' }}
          chosen={side}
          panel="inspector-side"
        />
        <div id="inspector-side" role="tabpanel" aria-label={side.value}>
          {side.value === 'token' ? (
            <DetailAtCursor current={current} />
          ) : (
            <Experts model={record.model} step={current} />
          )}
        </div>
      </aside>
    </div>
  );
}

/** By itself, so that the text is not drawn anew whenever the pointer moves. */
function DetailAtCursor({ current }: { readonly current: TracedStep }) {
  return <Detail step={current} position={shown.value} />;
}
