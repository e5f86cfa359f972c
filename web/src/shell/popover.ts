/** Puts a popover beside the button that opened it; by itself it stands in the middle of the window. For `onToggle`. */
export function putBeside(popover: HTMLElement): void {
  const button = document.querySelector(`[popovertarget="${CSS.escape(popover.id)}"]`)?.getBoundingClientRect();
  if (!button || !popover.matches(':popover-open')) return;
  const { width, height } = popover.getBoundingClientRect();
  const isBelow = button.bottom + height + 8 <= innerHeight;
  const left = button.left + width + 8 <= innerWidth ? button.left : button.right - width;
  popover.style.inset = 'auto';
  popover.style.margin = '0';
  popover.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  popover.style.top = `${Math.max(8, isBelow ? button.bottom + 4 : button.top - height - 6)}px`;
}
