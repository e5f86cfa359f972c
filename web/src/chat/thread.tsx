import { Component } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { DownIcon } from '../shell/icons.tsx';
import { type LiveTurn, live } from '../state/run.ts';
import { type Conversation, childrenOf, pathOf, type TreeNode } from '../state/tree.ts';
import { Answer } from './answer.tsx';
import { Question } from './question.tsx';

/** As many messages are drawn at first, and more as one scrolls up. */
const WINDOW = 40;
/** Closer to the end than this, in pixels, the view follows what comes. */
const NEAR = 80;

export function Thread({ conversation }: { readonly conversation: Conversation }) {
  const path = useMemo(() => pathOf(conversation), [conversation]);
  const [shown, setShown] = useState(WINDOW);
  const turn = live.value.get(conversation.id);
  const { scroller, isFollowing, follow } = useFollowing(path.length, turn);
  const first = Math.max(0, path.length - shown);
  return (
    <div class="thread-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and not everybody has a mouse */}
      <section class="thread" ref={scroller} tabIndex={0} aria-label="Messages">
        <ol class="messages">
          {first > 0 && (
            <li key="earlier" class="earlier">
              <Earlier count={first} onSeen={() => setShown(shown + WINDOW)} />
            </li>
          )}
          {path.slice(first).map((node, index) => (
            <Row
              key={node.id}
              node={node}
              {...placeOf(conversation, node)}
              isLast={first + index === path.length - 1}
              turn={turn?.node.id === node.id ? turn : undefined}
              isBusy={turn !== undefined}
            />
          ))}
        </ol>
      </section>
      {!isFollowing && (
        <button type="button" class="to-end" onClick={follow} aria-label="Go to the end">
          <DownIcon />
        </button>
      )}
      <p class="said-only" role="status">
        {turn ? 'The model is answering' : path.at(-1)?.role === 'assistant' ? 'The answer is complete' : ''}
      </p>
    </div>
  );
}

interface Place {
  /** Among the messages that follow the same one, counted from 1. */
  readonly place: number;
  readonly places: number;
}

function placeOf(conversation: Conversation, node: TreeNode): Place {
  const siblings = childrenOf(conversation, node.parent);
  return { place: siblings.findIndex(({ id }) => id === node.id) + 1, places: siblings.length };
}

export interface RowProps extends Place {
  readonly node: TreeNode;
  readonly isLast: boolean;
  readonly turn: LiveTurn | undefined;
  /** An answer is being given somewhere in this conversation. */
  readonly isBusy: boolean;
}

interface RowState {
  readonly isBroken?: boolean;
}

/** Drawn again only when its own message has changed. One that cannot be drawn, from a file for instance, takes no other with it. */
class Row extends Component<RowProps, RowState> {
  static override getDerivedStateFromError(): RowState {
    return { isBroken: true };
  }

  override shouldComponentUpdate(next: RowProps, state: RowState): boolean {
    const before = this.props;
    if (state.isBroken !== this.state.isBroken) return true;
    return (Object.keys(next) as (keyof RowProps)[]).some((key) => next[key] !== before[key]);
  }

  override render() {
    const { node, ...others } = this.props;
    if (this.state.isBroken) {
      return (
        <li class="message">
          <p class="note">This message is damaged and cannot be shown.</p>
        </li>
      );
    }
    return (
      <li class="message">
        {node.role === 'user' ? <Question node={node} {...others} /> : <Answer node={node} {...others} />}
      </li>
    );
  }
}

/** Asks for more when it comes into view. */
function Earlier({ count, onSeen }: { readonly count: number; readonly onSeen: () => void }) {
  const place = useRef<HTMLButtonElement>(null);
  const seen = useRef(onSeen);
  seen.current = onSeen;
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && seen.current(),
    );
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, [count]);
  return (
    <button type="button" ref={place} class="button quiet" onClick={onSeen}>
      {count} earlier messages
    </button>
  );
}

/** Keeps the end in view for as long as the person has not scrolled away from it. */
function useFollowing(length: number, turn: LiveTurn | undefined) {
  const scroller = useRef<HTMLElement>(null);
  const following = useRef(true);
  const [isFollowing, setFollowing] = useState(true);
  const toEnd = () => {
    const element = scroller.current;
    if (element && following.current) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(() => {
    following.current = true;
    toEnd();
  }, [length]);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let last = element.scrollTop;
    const onScroll = () => {
      // Only who scrolls up leaves the end: what has come since the view went there may be higher than `NEAR`.
      if (element.scrollHeight - element.scrollTop - element.clientHeight < NEAR) following.current = true;
      else if (element.scrollTop < last) following.current = false;
      last = element.scrollTop;
      setFollowing(following.current);
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    // What is drawn later (colours, formulas, pictures) makes the messages longer, too.
    const observer = new ResizeObserver(toEnd);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => {
      element.removeEventListener('scroll', onScroll);
      observer.disconnect();
    };
  }, [turn]);
  const follow = () => {
    following.current = true;
    setFollowing(true);
    toEnd();
  };
  return { scroller, isFollowing, follow };
}
