// Slides: every sheet is scaled as large as its slide allows, and divided where it would become too small.

(() => {
  const WIDTH = 1280,
    HEIGHT = 720,
    FOOT = 36;
  const SMALLEST = 0.3,
    TOO_SMALL = 0.75; // leaves 18 of the 24 pixels of code
  const LARGEST = { text: 1, figure: 1.3, beside: 1 };
  const data = globalThis.courseData ?? {};
  /** @type {(selector: string) => HTMLElement[]} */
  const findAll = (selector) => [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))];

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

  /**
   * Give a sheet the largest scale at which it fits its slide.
   * @param {HTMLElement} sheet
   */
  function fit(sheet) {
    const kind = sheet.querySelector(".beside") ? "beside" : sheet.classList.contains("figure") ? "figure" : "text";
    const scale = coursePages.largestScale((each) => fits(sheet, each), SMALLEST, LARGEST[kind]);
    fits(sheet, scale);
    return scale;
  }

  /** @param {HTMLElement} sheet */
  const overflows = (sheet) => !fits(sheet, Number(sheet.style.transform.slice("scale(".length, -1)));

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

  // Figures are drawn when they are first shown; until then, space is reserved for them.
  for (const figure of findAll(".site-figure")) {
    const { height } = data[figure.id.slice("panel-".length)].spec.figure.layout;
    /** @type {HTMLElement} */ (figure.querySelector(".live-figure")).style.minHeight = `${height}px`;
  }

  document.body.classList.add("measuring");
  findAll(".sheet").forEach(cut);
  // An answer on a slide of its own needs no fold: turning to the slide reveals it.
  for (const fold of findAll(".sheet > .block:only-child > details:only-child")) fold.toggleAttribute("open", true);
  document.body.classList.remove("measuring");

  // A sheet that grows (by feedback or a hint) is scaled down to fit; it isn't scaled up again when it shrinks.
  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const sheet = /** @type {HTMLElement} */ (entry.target);
      if (sheet.offsetHeight && overflows(sheet)) fit(sheet);
    }
  });
  for (const sheet of findAll(".sheet")) sizes.observe(sheet);

  // ---------------------------------------------------------------- keys

  /** @type {(target: EventTarget | null, selector: string) => HTMLElement | null} */
  const around = (target, selector) => (target instanceof Element ? target.closest(selector) : null);
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
})();
