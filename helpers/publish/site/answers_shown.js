// Keeps answers in the browser's storage, restores them when a page is opened again, and shows the reader's progress.

(() => {
  const NOTHING_YET = "Your answers and predictions stay in this browser and are sent nowhere. So far there are none.";
  const KEPT =
    "Your answers and predictions are kept in this browser and sent nowhere. The file holds them in the form of the " +
    "course’s own record: the running course reads it with lesson.my_data(), and a teacher with start.py class.";
  const NOT_KEPT = "This browser keeps nothing for these pages: your answers are gone when a page is closed.";

  const { read, add, forget, lastAnswers, lastPredictions, counts, exported, iso, fileName, spent } = courseAnswers;
  /** @type {Storage | null} */
  let place = null;
  try {
    place = localStorage;
    place.getItem(courseAnswers.KEY);
  } catch {
    place = null; // browsers may forbid storage
  }
  let since = performance.now();
  let isKept = true;

  // ---------------------------------------------------------------- keeping

  /** @type {(table: "answer" | "prediction", row: object) => void} */
  function keep(table, row) {
    const seconds = spent(performance.now() - since);
    since = performance.now();
    isKept = add(place, table, { at: iso(new Date()), ...row, seconds });
    show();
  }

  document.addEventListener("course-answered", (event) => {
    const { lesson, question, given, correct, seed, score } = /** @type {CustomEvent} */ (event).detail;
    keep("answer", { lesson, question, given, correct: correct ? 1 : 0, seed, score });
  });
  document.addEventListener("course-predicted", (event) => {
    const { lesson, prediction, given } = /** @type {CustomEvent} */ (event).detail;
    keep("prediction", { lesson, prediction, given });
  });

  // ---------------------------------------------------------------- putting back

  /** @type {(form: HTMLElement, given: any) => boolean} */
  const restore = (form, given) => form.dispatchEvent(new CustomEvent("course-restore", { detail: given }));
  const rows = read(place),
    predictions = lastPredictions(rows);
  for (const form of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("form[data-lesson]"))) {
    const { lesson = "", question, prediction } = form.dataset;
    const row = question
      ? lastAnswers(rows, lesson).get(question.slice("question-".length))
      : predictions.get(prediction ?? "");
    if (row) restore(form, row.given);
  }

  // ---------------------------------------------------------------- showing

  /** @type {(element: HTMLElement) => {lesson: string, asked: any}} */
  const askedOf = (element) => ({
    lesson: element.dataset.lesson ?? "",
    asked: JSON.parse(element.dataset.asked ?? '{"questions": [], "predictions": []}'),
  });
  /** @type {(count: number, all: number) => string} */
  const share = (count, all) => (all ? `${count === all ? "✓ " : ""}${count} of ${all}` : "–");

  function show() {
    const rows = read(place);
    for (const line of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".site-done"))) {
      const { lesson, asked } = askedOf(line),
        { answered, right } = counts(rows, lesson, asked);
      line.hidden = !answered;
      line.textContent = `${answered} of ${asked.questions.length} questions answered, ${right} right`;
      line.style.setProperty("--share", String(answered / Math.max(asked.questions.length, 1)));
    }
    for (const row of /** @type {NodeListOf<HTMLTableRowElement>} */ (document.querySelectorAll("tr[data-lesson]"))) {
      const { lesson, asked } = askedOf(row),
        { right, predicted } = counts(rows, lesson, asked);
      row.cells[1].textContent = share(predicted, asked.predictions.length);
      row.cells[2].textContent = share(right, asked.questions.length);
    }
    offerToGoOn(rows);
    showAnswers(rows);
  }

  /**
   * Show the button that leads to the lesson of the latest answer.
   * @param {Answers} rows
   */
  function offerToGoOn(rows) {
    const button = /** @type {HTMLAnchorElement | null} */ (document.querySelector("#go-on"));
    const last = [...rows.answer, ...rows.prediction].sort((a, b) => a.at.localeCompare(b.at)).at(-1);
    const card = last && document.querySelector(`.site-lessons [data-lesson="${CSS.escape(last.lesson)}"]`);
    const link = card?.closest("li")?.querySelector("a");
    if (!button) return;
    button.hidden = !link;
    if (!last || !link) return;
    button.href = link.href;
    button.textContent = `Go on with lesson ${last.lesson}`;
  }

  // ---------------------------------------------------------------- saving and deleting

  /** @type {(label: string, action: () => void) => HTMLButtonElement} */
  function buttonFor(label, action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", action);
    return button;
  }

  function save() {
    const now = new Date(),
      link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([exported(read(place), now)], { type: "application/json" }));
    link.download = fileName(now);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  function remove() {
    if (!confirm("Delete all answers and predictions that this browser keeps of the course? Nothing brings them back."))
      return;
    forget(place);
    show();
  }

  /** @param {Answers} rows */
  function showAnswers(rows) {
    const section = /** @type {HTMLElement | null} */ (document.querySelector("#answers-section"));
    if (!section) return;
    section.hidden = false;
    const kept = rows.answer.length + rows.prediction.length;
    const text = document.createElement("p");
    text.textContent = !isKept || !place ? NOT_KEPT : kept ? KEPT : NOTHING_YET;
    const box = /** @type {HTMLElement} */ (section.querySelector(".site-answers"));
    box.replaceChildren(
      text,
      ...(kept ? [buttonFor("Save as a file", save), buttonFor("Delete my answers", remove)] : []),
    );
  }

  show();
})();
