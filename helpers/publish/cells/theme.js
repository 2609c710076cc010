// Runs before anything is drawn, so that a dark page never flashes white.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {} // a browser may forbid it for files
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = theme ?? (dark ? "dark" : "light");
})();
