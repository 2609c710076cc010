// The search field: loads the index on first use, and lists the results as links.

(() => {
  const box = /** @type {HTMLElement | null} */ (document.querySelector(".site-search"));
  if (!box) return;
  box.hidden = false;
  box.innerHTML = `<input type="search" id="search" aria-label="Search the lessons" placeholder="Search the lessons"
    autocomplete="off" spellcheck="false" aria-controls="site-found"><div id="site-found" hidden>
    <p role="status"></p><ol></ol></div>`;
  const input = /** @type {HTMLInputElement} */ (box.querySelector("input")),
    panel = /** @type {HTMLElement} */ (box.querySelector("#site-found")),
    status = /** @type {HTMLElement} */ (box.querySelector("[role=status]")),
    list = /** @type {HTMLElement} */ (box.querySelector("ol"));

  /** @type {Promise<void> | null} */
  let loading = null;
  /** Load the index as a script, since a page opened from disk may load no other files. */
  function load() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = "assets/search_index.js";
      script.onload = () => resolve();
      script.onerror = () => reject(new Error("assets/search_index.js is missing"));
      document.head.append(script);
    });
    return loading;
  }

  /** @type {(parts: {text: string, hit: boolean}[]) => (string | HTMLElement)[]} */
  const elementsOf = (parts) =>
    parts.map(({ text, hit }) => {
      if (!hit) return text;
      const mark = document.createElement("mark");
      mark.textContent = text;
      return mark;
    });

  /** @type {(tag: string, name: string, ...inside: (string | HTMLElement)[]) => HTMLElement} */
  function element(tag, name, ...inside) {
    const made = document.createElement(tag);
    made.className = name;
    made.append(...inside);
    return made;
  }

  async function show() {
    const query = input.value.trim();
    if (!query) return hide();
    try {
      await load();
    } catch {
      status.textContent = "The search can't work here: a file of this site, assets/search_index.js, is missing.";
      panel.hidden = false;
      return;
    }
    if (query !== input.value.trim()) return; // the query has changed meanwhile
    const found = courseSearch.find(/** @type {any} */ (globalThis).courseIndex, query);
    status.textContent = found.length
      ? `${found.length} ${found.length === 1 ? "place" : "places"}`
      : `Nothing found for “${query}”. Try one word, such as a term of the glossary.`;
    list.replaceChildren(
      ...found.map(({ address, where, title, snippet }) => {
        const link = /** @type {HTMLAnchorElement} */ (element("a", ""));
        link.href = address;
        link.append(element("small", "", where), element("b", "", ...elementsOf(title)));
        link.append(element("span", "", ...elementsOf(snippet)));
        return element("li", "", link);
      }),
    );
    panel.hidden = false;
  }

  function hide() {
    panel.hidden = true;
    list.replaceChildren();
  }

  const links = () => [...list.querySelectorAll("a")];

  input.addEventListener("focus", () => void load().catch(() => {}));
  input.addEventListener("input", show);
  box.addEventListener("keydown", (event) => {
    const all = links(),
      here = all.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
    if (event.key === "Escape") {
      if (panel.hidden) return;
      hide();
      input.focus();
    } else if (event.key === "ArrowDown") all[Math.min(here + 1, all.length - 1)]?.focus();
    else if (event.key === "ArrowUp") (here > 0 ? all[here - 1] : input).focus();
    else if (event.key === "Enter" && event.target === input) all[0]?.click();
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", hide); // a link may lead to this page
  document.addEventListener("pointerdown", ({ target }) => {
    if (target instanceof Node && !box.contains(target)) panel.hidden = true;
  });
  box.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !box.contains(relatedTarget)) panel.hidden = true;
  });
  input.addEventListener("focus", () => {
    if (links().length) panel.hidden = false;
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, textarea, select, canvas");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
})();
