// The frame of a page: menu, table of contents, light and dark colours, the animation, and printing.

(() => {
  /**
   * @template {HTMLElement} [E=HTMLElement]
   * @param {string} selector
   * @returns {E | null}
   */
  const find = (selector) => document.querySelector(selector);

  // ---------------------------------------------------------------- menu and contents

  const menu = /** @type {HTMLDetailsElement | null} */ (find(".site-menu"));
  document.addEventListener("pointerdown", ({ target }) => {
    if (menu?.open && target instanceof Node && !menu.contains(target)) menu.open = false;
  });
  menu?.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });

  const contents = /** @type {HTMLDetailsElement | null} */ (find(".site-contents details"));
  const wide = matchMedia("(min-width: 72rem)"); // as in page.css: there the list stands beside the text
  const fit = () => {
    if (contents) contents.open = wide.matches;
  };
  wide.addEventListener("change", fit);
  fit();

  const entries = [...document.querySelectorAll(".site-contents a")].flatMap((link) => {
    const id = /** @type {HTMLAnchorElement} */ (link).hash.slice(1);
    const target = document.getElementById(id);
    return target ? [{ link, target }] : [];
  });
  let waiting = false;
  /** Mark the section that is being read in the table of contents. */
  function mark() {
    waiting = false;
    const line = innerHeight / 4;
    const passed = entries.filter(({ target }) => target.offsetParent && target.getBoundingClientRect().top < line);
    const here = passed.at(-1) ?? entries[0];
    for (const { link } of entries) link.removeAttribute("aria-current");
    here.link.setAttribute("aria-current", "true");
  }
  const markSoon = () => {
    if (!waiting) requestAnimationFrame(mark);
    waiting = true;
  };
  if (entries.length) {
    addEventListener("scroll", markSoon, { passive: true });
    mark();
  }

  /** Open the fold that contains the address's target. */
  function unfold() {
    const target = document.getElementById(location.hash.slice(1));
    const fold = /** @type {HTMLDetailsElement | null | undefined} */ (target?.closest("details.site-deeper"));
    if (!fold || fold.open) return;
    fold.open = true;
    target?.scrollIntoView();
  }
  addEventListener("hashchange", unfold);
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest(".site-contents a")) requestAnimationFrame(unfold);
  });
  unfold();

  // ---------------------------------------------------------------- tables wider than the page

  // They scroll by keyboard, too, once they can have the focus.
  const tables = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".site-text table"));
  const reach = () => {
    for (const table of tables) {
      if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
      else table.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", reach);
  reach();

  // ---------------------------------------------------------------- light and dark

  const toggle = find("#theme");
  const isDark = () => document.documentElement.dataset.theme === "dark";
  const label = () => {
    if (toggle) toggle.textContent = isDark() ? "Light" : "Dark";
  };
  toggle?.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", document.documentElement.dataset.theme);
    } catch {} // browsers may forbid storage for pages opened from disk
    label();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label); // theme.js has followed it by then
  if (toggle) toggle.hidden = false;
  label();

  // ---------------------------------------------------------------- the moving picture

  const motion = /** @type {HTMLButtonElement | null} */ (find("#motion")),
    picture = /** @type {HTMLImageElement | null} */ (find(".site-moving img"));
  if (motion && picture && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const moving = picture.src,
      still = picture.dataset.still ?? moving;
    motion.hidden = false;
    motion.addEventListener("click", () => {
      const plays = picture.src === moving;
      picture.src = plays ? still : moving;
      motion.textContent = plays ? "Play" : "Pause";
    });
  }

  // ---------------------------------------------------------------- print

  /** @type {HTMLDetailsElement[]} */
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(/** @type {"details"} */ (".site-deeper:not([open])"))];
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
    opened = [];
  });
})();
