/** The sign: a stave, and above it the ossia, the passage that may be played instead. */
export function Mark({ size = 24 }: { readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M2.5 14h19M2.5 17.5h19M2.5 21h19" opacity="0.45" />
      <path d="M10.5 4h11M10.5 8h11" />
      <ellipse cx="6.3" cy="8" rx="3.3" ry="2.4" transform="rotate(-22 6.3 8)" fill="currentColor" stroke="none" />
    </svg>
  );
}
