// A classic script in the head, so that the chosen theme is there before the first paint.
try {
  const theme = localStorage.getItem("raymeta-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}
