// A line that only screen readers see: what it says is read out when it changes.
function render({ model, el }) {
  el.className = "lesson-spoken";
  el.setAttribute("role", "status");
  el.setAttribute("aria-live", "polite");
  const say = () => { el.textContent = model.get("text"); };
  const first = setTimeout(() => {
    const lesson = el.closest(".lesson");
    if (lesson && !lesson.hasAttribute(FREE)) freeKeys(lesson);
    say(); // a live region speaks only of what changes after it is there
  }, 200);
  model.on("change:text", say);
  return () => { clearTimeout(first); model.off("change:text", say); };
}

const FREE = "data-lm-suppress-shortcuts"; // JupyterLab heeds it
let groups = 0;

// Keys that belong to the answers: JupyterLab would move on to the next cell, and ipywidgets' radio buttons, which
// share no name, would not be one group to the arrow keys.
function freeKeys(lesson) {
  lesson.setAttribute(FREE, "true");
  lesson.addEventListener("keydown", (event) => {
    if (/^Arrow|^ $|^Enter$/.test(event.key) && !event.shiftKey && !event.ctrlKey) event.stopPropagation();
  });
  lesson.addEventListener("focusin", (event) => {
    const box = event.target.closest(".widget-radio-box");
    if (!box || event.target.name) return;
    groups += 1;
    box.setAttribute("role", "radiogroup");
    box.setAttribute("aria-label", box.closest(".lesson-item, .lesson")?.querySelector(".lesson-question")?.textContent ?? "");
    for (const radio of box.querySelectorAll("input[type=radio]")) radio.name = `lesson-answers-${groups}`;
  });
}

export default { render };
