// Before the first paint, so that a theme that was chosen does not flash.
try {
  const theme = localStorage.getItem('ossia.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the system's theme holds.
}
