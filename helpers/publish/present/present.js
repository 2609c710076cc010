// Slides: every sheet is made as large as its slide allows, and cut where it would have to become too small.

(() => {
  const WIDTH = 1280,
    HEIGHT = 720,
    FOOT = 36;
  const SMALLEST = 0.3,
    TOO_SMALL = 0.74;
  const LARGEST = { text: 1, figure: 1.3 };
  const data = globalThis.courseData;
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isFigure = (sheet) => sheet.classList.contains("figure");

  // ---------------------------------------------------------------- fitting

  const room = (sheet) => ({ width: WIDTH - 2 * sheet.offsetLeft, height: HEIGHT - FOOT - sheet.offsetTop });

  function fits(sheet, scale) {
    const { width, height } = room(sheet);
    sheet.style.width = `${width / scale}px`;
    sheet.style.transform = `scale(${scale})`;
    return sheet.offsetHeight * scale <= height && sheet.scrollWidth <= sheet.clientWidth;
  }

  // The largest scale at which a sheet fits its slide.
  function fit(sheet) {
    let low = SMALLEST,
      high = LARGEST[isFigure(sheet) ? "figure" : "text"];
    if (fits(sheet, high)) return high;
    while (high - low > 0.01) {
      const middle = (low + high) / 2;
      if (fits(sheet, middle)) low = middle;
      else high = middle;
    }
    fits(sheet, low);
    return low;
  }

  const overflows = (sheet) => !fits(sheet, Number(sheet.style.transform.slice("scale(".length, -1)));

  // The last blocks of a sheet that would become too small go to a slide of their own; a heading stays with its text.
  function cut(sheet) {
    if (fit(sheet) >= TOO_SMALL || sheet.children.length < 2) return;
    const moved = [];
    while (sheet.children.length > 1 && fit(sheet) < TOO_SMALL) moved.unshift(sheet.removeChild(sheet.lastChild));
    while (sheet.children.length > 1 && sheet.lastChild.querySelector("h1, h2, h3"))
      moved.unshift(sheet.removeChild(sheet.lastChild));
    fit(sheet);
    const section = sheet.closest("section"),
      next = section.cloneNode(true),
      rest = next.querySelector(".sheet");
    moved[0].classList.remove("fragment");
    rest.replaceChildren(...moved);
    section.after(next);
    cut(rest);
  }

  // Figures are drawn when they are first shown: until then, room is kept for them.
  for (const figure of findAll(".site-figure")) {
    const { height } = data[figure.id.slice("panel-".length)].spec.figure.layout;
    figure.querySelector(".live-figure").style.minHeight = `${height}px`;
  }

  document.body.classList.add("measuring");
  findAll(".sheet").forEach(cut);
  // What has a slide to itself is unfolded by turning to it.
  for (const fold of findAll(".sheet > .block:only-child > details:only-child")) fold.open = true;
  document.body.classList.remove("measuring");

  // What grows on a slide (feedback, a hint) must not run off it; it doesn't jump back when it shrinks.
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.offsetHeight && overflows(target)) fit(target);
  });
  for (const sheet of findAll(".sheet")) sizes.observe(sheet);

  // ---------------------------------------------------------------- keys

  const control = "input, select, textarea";

  // A presenter's remote sends PageUp and PageDown, also while a slider has the focus; Escape gives the keys back.
  document.addEventListener(
    "keydown",
    (event) => {
      const inControl = event.target.closest?.(control);
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

  function slidesMayUse({ key, target }) {
    if (target.closest?.(control)) return false;
    return !(target.closest?.("button, summary, a") && (key === " " || key === "Enter"));
  }

  // ---------------------------------------------------------------- turning

  for (const button of findAll(".site-show")) {
    button.addEventListener("click", () => {
      const { panel } = data[button.form.dataset.question];
      const { h, v } = Reveal.getIndices(document.getElementById(`panel-${panel}`).closest("section"));
      Reveal.slide(h, v);
    });
  }

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
    touch: false, // a finger on a slider is no wish to turn
    scrollActivationWidth: null,
    keyboardCondition: slidesMayUse,
    plugins: [RevealNotes],
  });
  Reveal.on("slidechanged", ({ previousSlide, currentSlide }) => {
    previousSlide?.querySelector(":focus")?.blur();
    currentSlide.querySelectorAll(".sheet").forEach(fit);
  });
})();
