import { useState } from 'preact/hooks';
import { repeatsItself } from './drawing.ts';

interface PictureProps {
  readonly mediaType: string;
  readonly base64: string;
}

/** As data, in an element that runs nothing. */
export function Picture({ mediaType, base64 }: PictureProps) {
  const [isWanted, setWanted] = useState(false);
  if (!/^image\/(?:png|jpeg|gif|webp|svg\+xml)$/.test(mediaType)) return null;
  // Shown by itself it would hang the page again each time that the conversation is opened.
  if (!isWanted && mediaType === 'image/svg+xml' && repeatsItself(base64)) {
    return (
      <button type="button" class="button quiet" onClick={() => setWanted(true)}>
        Show the drawing, which repeats parts of itself and may take long
      </button>
    );
  }
  return <img class="tool-picture" src={`data:${mediaType};base64,${base64}`} alt="Made by the tool" />;
}
