import { useEffect, useState } from 'preact/hooks';
import { CheckIcon, CopyIcon } from './icons.tsx';
import { toast } from './toasts.tsx';

/** Copies a text, and says so. */
export function CopyButton({ text, label }: { readonly text: string | (() => string); readonly label: string }) {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = async () => {
    if (await copyText(typeof text === 'string' ? text : text())) setDone(true);
  };
  return (
    <button type="button" class="icon-button small" aria-label={isDone ? 'Copied' : label} title={label} onClick={copy}>
      {isDone ? <CheckIcon size={15} /> : <CopyIcon size={15} />}
    </button>
  );
}

/** Whether it could be copied; if not, the person has been told. Pages over plain HTTP may not. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    toast('This browser does not let the page copy: select the text and copy it by hand');
    return false;
  }
}
