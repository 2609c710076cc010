// A line that only screen readers see: what it says is read out when it changes.
function render({ model, el }) {
  el.className = "lesson-spoken";
  el.setAttribute("role", "status");
  el.setAttribute("aria-live", "polite");
  const say = () => { el.textContent = model.get("text"); };
  const first = setTimeout(say, 200); // a live region speaks only of what changes after it is there
  model.on("change:text", say);
  return () => { clearTimeout(first); model.off("change:text", say); };
}

export default { render };
