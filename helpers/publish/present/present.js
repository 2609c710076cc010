// Slides: every sheet is scaled as large as its slide allows, and divided where it would become too small.

(() => {
  const WIDTH = 1280,
    HEIGHT = 720,
    FOOT = 36;
  const SMALLEST = 0.3,
    TOO_SMALL = 0.75; // leaves 18 of the 24 pixels of code
  const LARGEST = { text: 1, figure: 1.3 };
  const BESIDE = [340, 400, 460, 520, 580], // widths to try for the column beside a panel's plot
    LARGEST_BESIDE = 1.2,
    GAP = 22,
    NARROWEST = { one: 650, two: 780, beside: 1000 }; // pixels of one plot, of two, of networks and plots
  const TYPE = 16, // least height in pixels of text in a figure
    LOWEST = 250, // least height in pixels of a plot
    NET = 184, // height in pixels of the picture of the network with its edges
    LINE = 26; // room for one more line, which the sentence of another state may need
  const data = globalThis.courseData ?? {};
  /** @type {Map<HTMLElement, number>} */
  const filled = new Map(); // sheets whose plot was given the height that is left, and their scale by then
  /** @type {(selector: string) => HTMLElement[]} */
  const findAll = (selector) => [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))];

  /** @type {(target: EventTarget | null, selector: string) => HTMLElement | null} */
  const around = (target, selector) => (target instanceof Element ? target.closest(selector) : null);

  /** @type {(figure: Element) => PanelData} */
  const dataOf = (figure) => data[figure.id.slice("panel-".length)];

  // ---------------------------------------------------------------- fitting

  /** @param {HTMLElement} sheet */
  const room = (sheet) => ({ width: WIDTH - 2 * sheet.offsetLeft, height: HEIGHT - FOOT - sheet.offsetTop });

  /** @type {(sheet: HTMLElement, scale: number) => boolean} */
  function fits(sheet, scale) {
    const { width, height } = room(sheet);
    sheet.style.width = `${width / scale}px`;
    sheet.style.transform = `scale(${scale})`;
    return sheet.offsetHeight * scale <= height && sheet.scrollWidth <= sheet.clientWidth;
  }

  /** @type {(sheet: HTMLElement, largest: number) => number} */
  const largest = (sheet, largest) => coursePages.largestScale((each) => fits(sheet, each), SMALLEST, largest);

  /**
   * Give a sheet the largest scale at which it fits its slide; a panel none above that for which its plot was made.
   * @param {HTMLElement} sheet
   */
  function fit(sheet) {
    const panel = /** @type {HTMLElement | null} */ (sheet.querySelector(".live-panel:has(> .beside)"));
    const measuring = document.body.classList.contains("measuring");
    if (panel && measuring) divide(sheet, panel);
    const kind = sheet.classList.contains("figure") ? "figure" : "text";
    const scale = largest(sheet, filled.get(sheet) ?? (panel ? largestBeside(sheet, panel) : LARGEST[kind]));
    fits(sheet, scale);
    return scale;
  }

  /**
   * The largest scale at which a panel's plot is wide enough.
   * @param {HTMLElement} sheet
   * @param {HTMLElement} panel
   */
  function largestBeside(sheet, panel) {
    const { figure, beside } = dataOf(panel).spec;
    const { layout } = figure;
    const two = Object.keys(layout).some((name) => name.startsWith("xaxis") && layout[name].domain?.[0] > 0.1);
    const kind = beside ? "beside" : two ? "two" : "one";
    const width = Number.parseFloat(panel.style.getPropertyValue("--beside"));
    return Math.min(LARGEST_BESIDE, room(sheet).width / (width + GAP + NARROWEST[kind]));
  }

  /**
   * Give the column beside a plot the width at which the sheet can be scaled largest.
   * @param {HTMLElement} sheet
   * @param {HTMLElement} panel
   */
  function divide(sheet, panel) {
    let best = 0,
      chosen = BESIDE[0];
    for (const width of BESIDE) {
      panel.style.setProperty("--beside", `${width}px`);
      const scale = largest(sheet, largestBeside(sheet, panel));
      const cutOff = [...panel.querySelectorAll(".formula")].some((each) => each.scrollWidth > each.clientWidth);
      if (scale > best + 0.01 && !cutOff) [best, chosen] = [scale, width];
    }
    panel.style.setProperty("--beside", `${chosen}px`);
  }

  /** @type {(sheet: HTMLElement) => number} */
  const scaleOf = (sheet) => Number(sheet.style.transform.slice("scale(".length, -1));

  /** @type {(sheet: HTMLElement) => boolean} */
  const overflows = (sheet) => !fits(sheet, scaleOf(sheet));

  /**
   * Move the last blocks of a sheet that would become too small to a new slide; a heading stays with its text.
   * @param {HTMLElement} sheet
   */
  function cut(sheet) {
    if (fit(sheet) >= TOO_SMALL || sheet.children.length < 2) return;
    /** @type {Element[]} */
    const moved = [];
    const moveLast = () => {
      const last = /** @type {Element} */ (sheet.lastElementChild);
      last.remove();
      moved.unshift(last);
    };
    while (sheet.children.length > 1 && fit(sheet) < TOO_SMALL) moveLast();
    while (sheet.children.length > 1 && sheet.lastElementChild?.querySelector("h1, h2, h3")) moveLast();
    fit(sheet);
    const section = /** @type {HTMLElement} */ (sheet.closest("section")),
      next = /** @type {HTMLElement} */ (section.cloneNode(true)),
      rest = /** @type {HTMLElement} */ (next.querySelector(".sheet"));
    moved[0].classList.remove("fragment");
    rest.replaceChildren(...moved);
    section.after(next);
    cut(rest);
  }

  // ---------------------------------------------------------------- figures

  /**
   * Make all text in a figure at least `TYPE` pixels high.
   * @param {any} part of Plotly's figure
   */
  function enlarge(part) {
    for (const [name, each] of Object.entries(part)) {
      if (!each || typeof each !== "object" || name === "legend") continue; // larger names would need two lines there
      if (name.endsWith("font")) each.size = Math.max(each.size ?? 0, TYPE);
      enlarge(each);
    }
  }

  /** @param {Element} figure */
  function withLargeType(figure) {
    const { data: traces, layout } = dataOf(figure).spec.figure;
    for (const axis of Object.keys(layout).filter((name) => /^[xy]axis/.test(name))) {
      layout[axis].tickfont ??= {};
      layout[axis].title = { ...layout[axis].title, font: { ...layout[axis].title?.font } };
    }
    layout.font ??= {};
    enlarge(layout);
    enlarge(traces);
  }

  /**
   * The least height of a panel's plots; networks beside the plots stand on the first of them.
   * @type {(spec: PanelData["spec"]) => number}
   */
  const lowest = ({ figure, beside }) => Math.min(figure.layout.height, LOWEST + (beside ? NET : 0));

  /**
   * A placeholder for a figure until it is drawn, which is when it is first shown.
   * @param {Element} figure
   */
  function standIn(figure) {
    const { spec, notes } = dataOf(figure);
    const [headline, detail = ""] = (notes.summary ?? "").split("\n");
    const { height } = spec.figure.layout;
    const stand = document.createElement("div");
    const add = (/** @type {string} */ name, /** @type {number} */ height, text = "") => {
      const part = stand.appendChild(document.createElement("div"));
      part.className = name;
      part.textContent = text;
      if (height) part.style.height = `${height}px`;
    };
    if (headline) add("live-summary live-headline", 0, headline);
    if (detail) add("live-summary live-detail", 0, detail);
    if (notes.net && !spec.beside) add("", NET);
    if (spec.views.length > 1) add("", LINE);
    add("", figure.matches(".live-panel") ? lowest(spec) : height);
    /** @type {HTMLElement} */ (figure.querySelector(".live-figure")).append(stand);
    return stand;
  }

  /**
   * Give a panel's plot the height that is left on its slide, and reserve the room of the figure until it is drawn.
   * @param {Element} figure
   * @param {HTMLElement} stand
   */
  function fill(figure, stand) {
    const sheet = /** @type {HTMLElement} */ (figure.closest(".sheet"));
    const { spec } = dataOf(figure);
    let { offsetHeight } = stand;
    if (figure.matches(".live-panel")) {
      const spare = Math.max(Math.floor(room(sheet).height / scaleOf(sheet) - offsetHeight - LINE), 0);
      const height = lowest(spec) + spare;
      for (const patch of [spec.figure.layout, spec.wide]) if (patch.height) patch.height = height;
      filled.set(sheet, scaleOf(sheet));
      offsetHeight += spare;
    }
    /** @type {HTMLElement} */ (stand.parentElement).style.minHeight = `${offsetHeight}px`;
    stand.remove();
  }

  document.body.classList.add("measuring");
  const folds = /** @type {HTMLDetailsElement[]} */ (findAll(".site-reveal"));
  for (const fold of folds) fold.open = true; // their contents need room, too
  findAll(".site-figure").forEach(withLargeType);
  const stands = findAll(".site-figure").map((figure) => /** @type {const} */ ([figure, standIn(figure)]));
  findAll(".sheet").forEach(cut);
  for (const [figure, stand] of stands) fill(figure, stand);
  // An answer on a slide of its own needs no fold: turning to the slide reveals it. The others open as the next step.
  const alone = ".sheet > .block:only-child > details:only-child";
  for (const fold of folds.filter((each) => !each.matches(alone))) {
    fold.open = false;
    fold.classList.add("fragment", "custom");
  }
  document.body.classList.remove("measuring");

  /** @type {(sheet: HTMLElement) => boolean} */
  const isDrawing = (sheet) => [...sheet.querySelectorAll(".site-figure:not([data-ready])")].some((f) => f.clientWidth);

  // A sheet that grows (by feedback or a hint) is scaled down to fit; it isn't scaled up again when it shrinks.
  // While its figures are being drawn, sizes mean nothing: it is fitted once all of them are there.
  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const sheet = /** @type {HTMLElement} */ (entry.target);
      if (sheet.offsetHeight && !isDrawing(sheet) && overflows(sheet)) fit(sheet);
    }
  });
  const drawn = new MutationObserver((records) => {
    for (const { target } of records) {
      const sheet = /** @type {HTMLElement | null} */ (around(target, ".sheet"));
      if (sheet?.offsetHeight && !isDrawing(sheet)) fit(sheet);
    }
  });
  for (const sheet of findAll(".sheet")) {
    sizes.observe(sheet);
    drawn.observe(sheet, { subtree: true, attributeFilter: ["data-ready"] });
  }

  // ---------------------------------------------------------------- keys

  const CONTROL = "input, select, textarea";

  // A presenter's remote sends PageUp and PageDown, even while a slider has the focus; Escape releases the focus.
  document.addEventListener(
    "keydown",
    (event) => {
      const inControl = around(event.target, CONTROL);
      if (!inControl) return;
      if (event.key === "PageDown") Reveal.next();
      else if (event.key === "PageUp") Reveal.prev();
      else if (event.key === "Escape") inControl.blur();
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );

  /** @param {KeyboardEvent} event */
  const slidesMayUse = ({ key, target }) =>
    coursePages.turnsSlides(key, {
      inControl: around(target, CONTROL) !== null,
      onButton: around(target, "button, summary, a") !== null,
    });

  // ---------------------------------------------------------------- turning

  for (const button of /** @type {HTMLButtonElement[]} */ (findAll(".site-show"))) {
    button.addEventListener("click", () => {
      const { panel } = data[button.form?.dataset.question ?? ""];
      const { h, v } = Reveal.getIndices(document.getElementById(`panel-${panel}`)?.closest("section"));
      Reveal.slide(h, v);
    });
  }
  document.addEventListener("click", ({ target }) => {
    const back = /** @type {HTMLElement | null} */ (around(target, ".lesson-back"));
    const form = back && document.querySelector(`form[data-question="${back.dataset.question}"]`);
    if (!form) return;
    const { h, v } = Reveal.getIndices(form.closest("section"));
    Reveal.slide(h, v);
  });

  Reveal.initialize({
    width: WIDTH,
    height: HEIGHT,
    margin: 0,
    minScale: 0.1,
    maxScale: 6,
    center: false,
    hash: true,
    navigationMode: "linear", // the right arrow and a remote reach every slide
    transition: "none",
    slideNumber: "c/t",
    touch: false, // dragging a slider must not turn the slide
    scrollActivationWidth: null,
    keyboardCondition: slidesMayUse,
    plugins: [RevealNotes],
  });
  /** @type {(slides: {previousSlide?: HTMLElement, currentSlide: HTMLElement}) => void} */
  const turned = ({ previousSlide, currentSlide }) => {
    const focused = /** @type {HTMLElement | null | undefined} */ (previousSlide?.querySelector(":focus"));
    focused?.blur();
    for (const sheet of currentSlide.querySelectorAll(".sheet")) fit(/** @type {HTMLElement} */ (sheet));
  };
  Reveal.on("slidechanged", turned);
  /** @type {(open: boolean) => (step: {fragments: HTMLElement[]}) => void} */
  const turnFolds =
    (open) =>
    ({ fragments }) => {
      for (const fragment of fragments) if (fragment instanceof HTMLDetailsElement) fragment.open = open;
    };
  Reveal.on("fragmentshown", turnFolds(true));
  Reveal.on("fragmenthidden", turnFolds(false));
})();
