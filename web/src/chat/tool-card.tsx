import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import { Code } from '../markdown/code.tsx';
import { safeHref } from '../markdown/safe-link.ts';
import type { ToolAction } from '../net/types.ts';
import { CodeIcon, FileIcon, GlobeIcon, RightIcon, ToolIcon } from '../shell/icons.tsx';
import type { Called, CallStatus } from '../state/parts.ts';
import { approve, type LiveTurn } from '../state/run.ts';
import { Picture } from './picture.tsx';
import { secondsOf } from './thought.tsx';

/** A call of a tool: what was called with what, how it goes, and what came of it. */
export function ToolCard({ call, turn }: { readonly call: Called; readonly turn?: LiveTurn }) {
  const [choice, setChoice] = useState<boolean>();
  const isShown =
    choice ?? (call.status === 'running' || call.status === 'asks' || (call.result?.images?.length ?? 0) > 0);
  const Icon = iconOf(call);
  return (
    <section class={`tool ${call.status}`} aria-label={`Tool ${call.name}`}>
      <button type="button" class="tool-head" aria-expanded={isShown} onClick={() => setChoice(!isShown)}>
        <Icon size={16} />
        <span class="tool-name">{call.name}</span>
        <span class="tool-about">{aboutOf(call)}</span>
        <span class="tool-status number">
          {call.status === 'running' && <span class="spinner" aria-hidden="true" />}
          {statuses[call.status]}
          {call.ms !== undefined && ` · ${secondsOf(call.ms)}`}
        </span>
        <RightIcon size={14} />
      </button>
      {isShown && <Inside call={call} />}
      {call.status === 'asks' && turn && <Approval call={call} turn={turn} />}
    </section>
  );
}

const statuses: Readonly<Record<CallStatus, string>> = {
  writing: 'writing',
  asks: 'asks first',
  running: 'running',
  done: 'done',
  failed: 'failed',
  refused: 'refused',
  yours: 'not run here',
  'broken-off': 'broken off',
};

function Inside({ call }: { readonly call: Called }) {
  const { result } = call;
  const [source, language] = sourceOf(call);
  return (
    <div class="tool-body">
      {source !== '' && <Code source={source} language={language} open={call.status === 'writing'} />}
      {!result && call.progress !== '' && <Output label="So far" text={call.progress} />}
      {result?.action && <ActionView action={result.action} />}
      {result?.images?.map(({ mediaType, base64 }, index) => (
        <Picture key={index} mediaType={mediaType} base64={base64} />
      ))}
      {result && result.text !== '' && (
        <Output label={result.isError ? 'Error' : 'What the model read'} text={result.text} />
      )}
    </div>
  );
}

const SHOWN = 20_000;

function Output({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <figure class="output">
      <figcaption>{label}</figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and not everybody has a mouse */}
      <pre tabIndex={0}>
        {text.length > SHOWN
          ? `${text.slice(0, SHOWN)}\n… ${(text.length - SHOWN).toLocaleString()} characters more`
          : text}
      </pre>
    </figure>
  );
}

function ActionView({ action }: { readonly action: ToolAction }): ComponentChild {
  if (action.type === 'search') {
    return (
      <ol class="sources">
        {action.results.map(({ url, title }) => (
          <li key={url}>
            <Source url={url} title={title} />
          </li>
        ))}
      </ol>
    );
  }
  if (action.type === 'open_page' || action.type === 'find_in_page') {
    return (
      <p class="sources">
        <Source {...action.page} />
      </p>
    );
  }
  if (action.type === 'patch') {
    return (
      <ul class="sources">
        {action.files.map(({ path, change, added, removed }) => (
          <li key={path}>
            <code>{path}</code> {change} <span class="added">+{added}</span> <span class="removed">−{removed}</span>
          </li>
        ))}
      </ul>
    );
  }
  return null;
}

function Source({ url, title }: { readonly url: string; readonly title: string }) {
  const href = safeHref(url);
  const label = title || url;
  if (!href) return <span title={url}>{label}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={url}>
      {label}
    </a>
  );
}

function Approval({ call, turn }: { readonly call: Called; readonly turn: LiveTurn }) {
  const [isSent, setSent] = useState(false);
  const say = async (allowed: boolean, remember = false) => {
    setSent(true);
    if (!(await approve(turn, call.id, { allowed, ...(remember ? { remember } : {}) }))) setSent(false);
  };
  return (
    <div class="approval" role="alert">
      <p>
        The model wants to run this
        {call.tool && call.tool !== call.name ? (
          <>
            {' '}
            with <strong>{call.tool}</strong>
          </>
        ) : (
          ''
        )}
        . Shall it?
      </p>
      <div class="row-start">
        <button type="button" class="button main" disabled={isSent} onClick={() => say(true)}>
          Allow once
        </button>
        <button type="button" class="button" disabled={isSent} onClick={() => say(true, true)}>
          Always in this conversation
        </button>
        <button type="button" class="button bad" disabled={isSent} onClick={() => say(false)}>
          Refuse
        </button>
      </div>
    </div>
  );
}

function iconOf({ name, result }: Called) {
  if (name.startsWith('browser')) return GlobeIcon;
  if (name === 'python') return CodeIcon;
  return result?.action?.type === 'patch' ? FileIcon : ToolIcon;
}

/** What is called, as code: Python as it is, other arguments as JSON for people. */
function sourceOf({ name, arguments: text }: Called): readonly [string, string] {
  if (name === 'python') return [seen(text), 'python'];
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && Object.keys(json).length === 0) return ['', ''];
    return [seen(JSON.stringify(json, null, 2)), 'json'];
  } catch {
    return [seen(text), 'json'];
  }
}

/** The argument that says most. */
function aboutOf({ name, arguments: text }: Called): string {
  if (name === 'python') return seen(text.trim().split('\n', 1)[0]?.slice(0, 100) ?? '');
  try {
    const values = Object.values(JSON.parse(text) as object).filter(
      (value) => typeof value === 'string' && value !== '',
    );
    return seen(String(values[0] ?? '').slice(0, 100));
  } catch {
    return '';
  }
}

/** Characters that turn the direction of a text, or are not there to be seen, as their codes: a call is what it looks like. */
function seen(text: string): string {
  return text.replace(
    /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
