import { watchConnection } from "../live/ipywidgets.js";

/**
 * A line that only screen readers see: its text is read out when it changes.
 * @param {{model: any, el: HTMLElement}} view
 */
function render({ model, el }) {
  el.className = "lesson-spoken";
  el.setAttribute("role", "status");
  el.setAttribute("aria-live", "polite");
  const say = () => {
    el.textContent = model.get("text");
  };
  const first = setTimeout(() => {
    const lesson = el.closest(".lesson");
    if (lesson && !lesson.hasAttribute(FREE)) freeKeys(lesson);
    for (const button of lesson?.querySelectorAll(".widget-upload") ?? []) dropCount(button);
    say(); // a live region announces only changes made after it was added
  }, 200);
  const show = () => showTarget(model.get("target"));
  const warn = () => warnOf(model.get("warning"), model.get("over"));
  warn();
  watchConnection(model.widget_manager, warnOfLostClick);
  model.on("change:text", say);
  model.on("change:target", show);
  model.on("change:warning change:over", warn);
  return () => {
    clearTimeout(first);
    model.off("change:text", say);
    model.off("change:target", show);
    model.off("change:warning change:over", warn);
    setTimeout(() => {
      // the last view on the page removes the warning
      if (!document.querySelector(".lesson-spoken")) document.querySelector(".lesson-warning")?.remove();
    });
  };
}

const OVER_SECONDS = 8; // how long the end of a warning stays in view
const LOST_CLICK =
  "The connection to the kernel was cut while you pressed a button. If nothing has happened, press it once more.";
const LOST_CLICK_SECONDS = 20;

function warnOfLostClick() {
  const standing = document.querySelector(".lesson-warning:not(.lesson-over)");
  if (!standing) warnOf(LOST_CLICK, false, LOST_CLICK_SECONDS);
}

/**
 * Show a warning at the foot of the window, shared by all views on the page.
 * @param {string} text
 * @param {boolean} over
 * @param {number} [seconds] after which it disappears; 0: it stays
 */
function warnOf(text, over, seconds = over ? OVER_SECONDS : 0) {
  let box = document.querySelector(".lesson-warning");
  if (!text || box?.textContent === text || (over && !box)) return;
  if (!box) {
    box = document.createElement("div");
    box.setAttribute("role", "alert");
    document.body.append(box);
  }
  box.className = over ? "lesson-warning lesson-over" : "lesson-warning";
  box.textContent = text;
  if (seconds)
    setTimeout(() => {
      if (box.textContent === text) box.remove();
    }, 1000 * seconds);
}

/**
 * The visible element with a mark; a widget may be displayed in several places.
 * @param {string} mark
 */
function shownOf(mark) {
  const marked = /** @type {HTMLElement[]} */ ([...document.getElementsByClassName(mark)]);
  return marked.find((each) => each.offsetParent);
}

/** @param {HTMLElement | undefined} target scrolled to the top of the window, since a panel's controls are at its top */
function scrollTo(target) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  target?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

/** @param {{mark: string, back?: string}} marks of the element to show, and of the one its figure leads back to */
function showTarget({ mark, back }) {
  const target = shownOf(mark);
  scrollTo(target);
  const figure = target?.querySelector(".live-figure");
  if (figure && back) offerWayBack(figure, back);
}

/**
 * Add a button above a figure that leads back to a question and then disappears.
 * @param {Element} figure
 * @param {string} back
 */
function offerWayBack(figure, back) {
  figure.querySelector(".lesson-back")?.remove();
  const button = document.createElement("button");
  button.type = "button";
  button.className = "lesson-back";
  button.textContent = "Back to the question";
  button.addEventListener("click", () => {
    const question = shownOf(back);
    scrollTo(question);
    /** @type {HTMLElement | null | undefined} */ (question?.querySelector("input, textarea, button"))?.focus({
      preventScroll: true,
    });
    button.remove();
  });
  figure.prepend(button);
}

/**
 * Remove the number of chosen files that ipywidgets writes after the name of an upload button: they are read at once.
 * @param {Element} button
 */
function dropCount(button) {
  const drop = () => {
    for (const part of button.childNodes) if (part instanceof Text) part.data = part.data.replace(/ \(\d+\)$/, "");
  };
  new MutationObserver(drop).observe(button, { childList: true });
  drop();
}

const FREE = "data-lm-suppress-shortcuts"; // JupyterLab heeds it
let groups = 0;

/**
 * Keep the keys of the inputs from JupyterLab, which would move on to the next cell, and give ipywidgets' radio buttons
 * a common name, without which the arrow keys don't treat them as one group.
 * @param {Element} lesson
 */
function freeKeys(lesson) {
  lesson.setAttribute(FREE, "true");
  lesson.addEventListener("keydown", (pressed) => {
    const event = /** @type {KeyboardEvent} */ (pressed);
    if (/^Arrow|^ $|^Enter$/.test(event.key) && !event.shiftKey && !event.ctrlKey) event.stopPropagation();
  });
  lesson.addEventListener("focusin", (event) => {
    const group = /** @type {Element} */ (event.target).closest(
      ".widget-radio-box, .lesson-checks, .widget-textarea textarea",
    );
    if (!group || group.ariaLabel) return;
    const question = group.closest(".lesson-item, .lesson")?.querySelector(".lesson-question");
    group.setAttribute("aria-label", question?.textContent ?? "your answer");
    if (group.matches(".lesson-checks")) group.setAttribute("role", "group");
    if (!group.matches(".widget-radio-box")) return;
    groups += 1;
    group.setAttribute("role", "radiogroup");
    for (const radio of group.querySelectorAll("input[type=radio]")) {
      radio.setAttribute("name", `lesson-answers-${groups}`);
    }
  });
}

export default { render };
