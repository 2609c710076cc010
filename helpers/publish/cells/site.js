// The scripts of a page without a kernel: panels drawn from baked tables, quizzes, predictions.
// `courseLive` comes from live.js, `courseGrading` from grading.js, `coursePages` from pages.js, and `courseData` from
// the lesson's table.

/**
 * @typedef {object} NativeControl a control of the page, in the form that `Live` takes
 * @property {string} id
 * @property {number} count
 * @property {() => number} get
 * @property {(place: number) => void} put
 * @property {(number: number) => void} set
 * @property {(react: () => void) => () => void} onChange
 */

(() => {
  const { Live, unpackRows, inflate, nearestIndex } = courseLive;
  const { bytesOf, columnsIn, rowOf, netData, nearest, differences, partsOf, verdictOf, score } = coursePages;
  const data = globalThis.courseData ?? {};
  /**
   * @template {HTMLElement} E
   * @param {string} selector
   * @param {ParentNode} [root]
   * @returns {E | null}
   */
  const find = (selector, root = document) => root.querySelector(selector);
  /**
   * @template {HTMLElement} [E=HTMLElement]
   * @param {string} selector
   * @param {ParentNode} [root]
   * @returns {E[]}
   */
  const findAll = (selector, root = document) => [.../** @type {NodeListOf<E>} */ (root.querySelectorAll(selector))];
  /**
   * The element that a selector finds; an error where there is none.
   * @template {HTMLElement} [E=HTMLElement]
   * @param {string} selector
   * @param {ParentNode} [root]
   * @returns {E}
   */
  function get(selector, root) {
    const found = /** @type {E | null} */ (find(selector, root));
    if (!found) throw new Error(`the page has no ${selector}`);
    return found;
  }

  const TOUCHED = matchMedia("(pointer: coarse)").matches;

  // ---------------------------------------------------------------- tables

  const NET_FIELDS = 6; // columns for the pictures of networks, after those of the traces

  /** @typedef {import("../../live/rows.js").Notes} Notes */

  /** The baked rows of one panel by state; unpacked on first use. */
  class Table {
    /**
     * @param {{index: string, columns: string}} packed
     * @param {Described[]} controls
     */
    constructor(packed, controls) {
      this.packed = packed;
      this.controls = controls;
      /** @type {number[][]} */
      this.keys = [];
      /** @type {Notes[]} */
      this.notes = [];
      /** @type {Map<string, number>} */
      this.numbers = new Map();
      /** @type {number[]} */
      this.nets = []; // for each state, the number of its first network
      /** @type {((number: number) => Uint32Array)[]} */
      this.columns = [];
      /** @type {Promise<void> | null} */
      this.opened = null;
    }
    open() {
      this.opened ??= this.read();
      return this.opened;
    }
    async read() {
      const { index, columns } = this.packed;
      const [json, bytes] = await Promise.all([index, columns].map((each) => inflate(bytesOf(each), "deflate")));
      const { keys, notes, columns: heads } = JSON.parse(new TextDecoder().decode(json));
      this.numbers = new Map(
        keys.map((/** @type {number[]} */ key, /** @type {number} */ i) => [JSON.stringify(key), i]),
      );
      let nets = 0;
      for (const { net = [] } of notes) {
        this.nets.push(nets);
        nets += net.length;
      }
      Object.assign(this, { keys, notes, columns: columnsIn(bytes, heads), packed: { index: "", columns: "" } });
    }
    /**
     * The number of the baked state nearest to `key`.
     * @param {number[]} key
     */
    nearest(key) {
      return this.numbers.get(JSON.stringify(key)) ?? nearest(this.keys, key, this.controls);
    }
    /** @param {number} number */
    row(number) {
      return rowOf(this.columns.slice(0, -NET_FIELDS), number);
    }
    /**
     * @param {number} number
     * @returns {Notes}
     */
    notesOf(number) {
      const notes = this.notes[number];
      if (!notes.net) return notes;
      const fields = this.columns.slice(-NET_FIELDS);
      return { ...notes, net: notes.net.map((net, i) => ({ ...net, data: netData(fields, this.nets[number] + i) })) };
    }
  }

  // ---------------------------------------------------------------- panels

  /** @type {Promise<void> | null} */
  let plotly = null;
  /** plotly.js is shipped compressed, in a script of its own; it is unpacked once. */
  function plotlyIsHere() {
    plotly ??= inflate(bytesOf(coursePlotly), "gzip").then(run);
    return plotly;
  }

  /**
   * Run the source of a script.
   * @param {BlobPart} source
   */
  async function run(source) {
    const script = document.createElement("script");
    script.src = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    await new Promise((done, failed) => {
      Object.assign(script, { onload: done, onerror: () => failed(new Error("plotly.js can't be run")) });
      document.head.append(script);
    });
    URL.revokeObjectURL(script.src);
  }

  /**
   * @param {HTMLElement} root
   * @param {import("../../live/states.js").Grid} grid
   * @param {Described} control
   * @returns {NativeControl}
   */
  function nativeControl(root, grid, control) {
    const input = /** @type {HTMLInputElement & HTMLSelectElement} */ (get("input, select", root)); // one of them
    const readout = find("output", root);
    const place = () => {
      if (control.kind === "menu") return input.selectedIndex;
      return Number(control.kind === "check" ? input.checked : input.value);
    };
    const tell = () => {
      if (!readout) return;
      readout.textContent = control.labels[place()];
      input.setAttribute("aria-valuetext", control.labels[place()]);
    };
    /** @type {(place: number) => void} */
    const put = (place) => {
      if (control.kind === "menu") input.selectedIndex = place;
      else if (control.kind === "check") input.checked = Boolean(place);
      else input.value = String(place);
      input.dispatchEvent(new Event("input"));
    };
    input.addEventListener("input", tell);
    return {
      id: grid.id,
      count: grid.count,
      get: place,
      put,
      set: (number) => put(nearestIndex(grid, number)),
      onChange(react) {
        input.addEventListener("input", react);
        return () => input.removeEventListener("input", react);
      },
    };
  }

  /**
   * A source for `live.js` that answers with the nearest baked row in place of the kernel.
   * @param {Table} table
   * @returns {import("../../live/live.js").Source}
   */
  function bakedSource(table) {
    /** @type {(message: import("../../live/live.js").Message, buffers: ArrayBufferView[]) => void} */
    let react = () => {};
    return {
      async ask(key, id) {
        await table.open();
        const number = table.nearest(/** @type {number[]} */ (key)); // a page's controls are always on their grids
        react({ type: "rows", keys: [key], notes: [table.notesOf(number)], packed: false, answers: id }, [
          table.row(number),
        ]);
      },
      listen(listener) {
        react = listener;
        return () => {};
      },
    };
  }

  class SitePanel {
    /**
     * @param {HTMLElement} root
     * @param {PanelData} data
     */
    constructor(root, { spec, row, notes, controls = [], presets = [], table }) {
      this.root = root;
      this.spec = spec;
      this.row = row;
      this.notes = notes;
      this.description = controls;
      this.table = table && new Table(table, controls);
      /** @type {Promise<void> | null} */
      this.started = null;
      /** @type {InstanceType<typeof Live> | null} */
      this.live = null;
      this.controls = findAll(".site-control", root).map((element, i) =>
        nativeControl(element, spec.grids[i], controls[i]),
      );
      this.beside = /** @type {HTMLElement | null} */ (find(".site-beside", root));
      for (const control of this.controls) control.onChange(() => this.tellBeside());
      findAll("[data-preset]", root).forEach((button) => {
        button.addEventListener("click", () => this.put(presets[Number(button.dataset.preset)]));
      });
    }
    /** @param {State} places */
    put(places) {
      for (const [number, place] of Object.entries(places)) this.controls[Number(number)].put(place);
    }
    start() {
      this.started ??= this.draw();
      return this.started;
    }
    async draw() {
      const element = /** @type {HTMLElement & {live?: InstanceType<typeof Live>}} */ (get(".live-figure", this.root));
      const spec = structuredClone(this.spec);
      if (TOUCHED) spec.figure.layout.dragmode = false; // otherwise a swipe over a plot wouldn't scroll the page
      const source = this.table ? bakedSource(this.table) : { listen: () => () => {} };
      await plotlyIsHere();
      this.live = element.live = new Live(element, spec, Plotly, this.controls, source);
      await this.live.start(spec.first, await unpackRows(bytesOf(this.row), false), this.notes);
      this.linkNotes();
      await this.table?.open();
      this.root.dataset.ready = "";
    }
    /** Plotly drops the addresses of links between files: restore those in annotations whenever they are drawn. */
    linkNotes() {
      /** @type {{text?: string}[]} */
      const notes = /** @type {any} */ (this.spec.figure.layout).annotations ?? [];
      const links = notes.flatMap(({ text = "" }) => [...text.matchAll(/<a href="([^"]+)"[^>]*>(.*?)<\/a>/g)]);
      if (!links.length) return;
      const addresses = new Map(links.map(([, address, title]) => [title, address]));
      const plot = /** @type {any} */ (get(".live-plot", this.root));
      const link = () => {
        for (const each of findAll(".annotation a", plot))
          each.setAttribute("href", addresses.get(each.textContent ?? "") ?? "");
      };
      plot.on("plotly_afterplot", link);
      link();
    }
    /**
     * Add a button that leads back to a question and then disappears.
     * @param {HTMLElement} form
     */
    offerWayBack(form) {
      find(".lesson-back", this.root)?.remove();
      const button = document.createElement("button");
      button.type = "button";
      button.className = "lesson-back";
      button.dataset.question = form.dataset.question;
      button.textContent = "Back to the question";
      button.addEventListener("click", () => {
        form.scrollIntoView({ block: "start" });
        get("input, textarea, button", form).focus({ preventScroll: true });
        button.remove();
      });
      get(".live-figure", this.root).prepend(button);
    }
    /** Say when the chosen state is not in the table, and offer to set the controls to the one shown instead. */
    async tellBeside() {
      if (!this.table || !this.beside) return;
      await this.table.open();
      const key = this.controls.map((control) => control.get()),
        shown = this.table.keys[this.table.nearest(key)];
      const different = differences(key, shown, this.description);
      this.beside.hidden = !different;
      if (!different) return this.beside.replaceChildren();
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Go there";
      button.addEventListener("click", () => this.put(Object.fromEntries(shown.entries())));
      this.beside.replaceChildren(`This setting isn’t stored here. The nearest one is shown: ${different}. `, button);
    }
  }

  /** @type {Map<string, SitePanel>} */
  const panels = new Map();
  for (const root of findAll(".site-figure")) {
    const tag = root.id.slice("panel-".length);
    panels.set(tag, new SitePanel(root, data[tag]));
  }
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries)
        if (isIntersecting) panels.get(target.id.slice("panel-".length))?.start();
    },
    { rootMargin: "600px" },
  );
  for (const { root } of panels.values()) near.observe(root);
  const first = panels.values().next().value;

  // Draw the other panels when idle, so that the page prints completely even if it hasn't been scrolled through.
  const whenIdle = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ then) => setTimeout(then, 200));
  async function drawOthers() {
    for (const panel of panels.values()) {
      if (!panel.root.clientWidth) continue; // in a closed fold, or on another slide
      await new Promise((resolve) => whenIdle(() => resolve(null)));
      await panel.start();
    }
  }
  if (first?.root.clientWidth) first.start().then(drawOthers);
  addEventListener("beforeprint", () => {
    for (const panel of panels.values()) panel.start();
  });

  // ---------------------------------------------------------------- answers in forms

  for (const list of findAll(".site-order")) {
    list.addEventListener("click", ({ target }) => {
      const button = target instanceof Element ? target.closest("button") : null;
      const entry = button?.closest("li");
      if (!entry?.previousElementSibling) return;
      entry.previousElementSibling.before(entry);
      button?.focus();
    });
  }

  /** @type {(slider: HTMLInputElement) => string} */
  const labelOf = (slider) => JSON.parse(slider.dataset.labels ?? "[]")[slider.value];

  for (const slider of /** @type {HTMLInputElement[]} */ (findAll("input[data-labels]"))) {
    slider.addEventListener("input", () => {
      slider.classList.remove("site-untouched");
      if (slider.nextElementSibling) slider.nextElementSibling.textContent = labelOf(slider);
      slider.setAttribute("aria-valuetext", labelOf(slider));
    });
  }

  /** @type {(form: HTMLElement) => string[]} */
  const ticked = (form) =>
    /** @type {HTMLInputElement[]} */ (findAll(".site-choices input", form))
      .filter((input) => input.checked)
      .map((input) => input.value);

  /**
   * The answer in a form: a text, several texts, a number as text, or null where nothing is chosen.
   * @param {HTMLElement} form
   */
  function given(form) {
    const written = /** @type {HTMLInputElement | null} */ (find("input[type=text]", form)),
      slider = /** @type {HTMLInputElement | null} */ (find("input[data-labels]", form)),
      list = find(".site-order", form);
    if (find("textarea", form)) return openText(form);
    if (list) return findAll("li", list).map((entry) => entry.dataset.text ?? "");
    if (slider) return slider.classList.contains("site-untouched") ? null : labelOf(slider);
    if (written) return written.value;
    return find("input[type=checkbox]", form) ? ticked(form) : (ticked(form)[0] ?? null);
  }

  /** @param {HTMLElement} form */
  function openText(form) {
    const text = /** @type {HTMLTextAreaElement} */ (get("textarea", form)).value,
      rubric = get(".site-rubric", form);
    if (rubric.hidden) return text;
    const boxes = /** @type {HTMLInputElement[]} */ (findAll("input[type=checkbox]", rubric));
    return { text, points: boxes.flatMap((box, place) => (box.checked ? [place] : [])) };
  }

  /**
   * The number of a logarithmic slider; null in other forms.
   * @type {(form: HTMLElement) => number | null}
   */
  function numberOf(form) {
    const slider = /** @type {HTMLInputElement | null} */ (find("input[data-values]", form));
    return slider && JSON.parse(slider.dataset.values ?? "[]")[slider.value];
  }

  /**
   * Fill in an earlier answer; false where it no longer fits the form.
   * @type {(form: HTMLElement, given: any) => boolean}
   */
  function put(form, given) {
    const written = /** @type {HTMLInputElement | null} */ (find("input[type=text]", form)),
      slider = /** @type {HTMLInputElement | null} */ (find("input[data-values]", form)),
      area = /** @type {HTMLTextAreaElement | null} */ (find("textarea", form)),
      list = find(".site-order", form),
      boxes = /** @type {HTMLInputElement[]} */ (findAll(".site-choices input", form));
    if (area) {
      area.value = given?.text ?? (typeof given === "string" ? given : "");
      boxes.forEach((box, place) => {
        box.checked = Boolean(given?.points?.includes(place));
      });
      return area.value !== "";
    }
    if (list) {
      const entries = new Map(findAll("li", list).map((entry) => [entry.dataset.text, entry]));
      if (!Array.isArray(given) || given.length !== entries.size || !given.every((text) => entries.has(text)))
        return false;
      list.append(...given.map((text) => /** @type {HTMLElement} */ (entries.get(text))));
      return true;
    }
    if (slider) {
      const place = JSON.parse(slider.dataset.values ?? "[]").findIndex(
        (/** @type {number} */ value) => Math.abs(value / given - 1) < 1e-6,
      );
      if (place < 0) return false;
      slider.value = String(place);
      slider.dispatchEvent(new Event("input"));
      return true;
    }
    if (written) {
      written.value = String(given);
      return true;
    }
    const chosen = [given].flat();
    for (const box of boxes) box.checked = chosen.includes(box.value);
    return boxes.some((box) => box.checked);
  }

  /**
   * Announce an answer to the page as an event; slides don't keep it.
   * @type {(form: HTMLElement, what: string, detail: object) => boolean}
   */
  const tell = (form, what, detail) => form.dispatchEvent(new CustomEvent(what, { detail, bubbles: true }));

  /**
   * A text with code in `backticks`, as elements.
   * @param {string} text
   */
  const elementsOf = (text) =>
    partsOf(text).map((part) => {
      if (!part) return document.createElement("br");
      if (!part.code) return part.text;
      const code = document.createElement("code");
      code.textContent = part.text;
      return code;
    });

  /** @type {(form: HTMLElement, kind: Verdict, word: string, message: string) => void} */
  function showVerdict(form, kind, word, message) {
    const box = document.createElement("div"),
      strong = document.createElement("strong");
    box.className = `lesson-verdict lesson-${kind}`;
    strong.textContent = word;
    box.append(strong, " ", ...elementsOf(message));
    get(".site-feedback", form).replaceChildren(box);
  }

  // ---------------------------------------------------------------- predictions

  /**
   * Show a prediction as kept, also beside the measurement.
   * @type {(form: HTMLElement, sentence: string) => void}
   */
  function showPrediction(form, sentence) {
    showVerdict(form, "right", "✓ Kept.", sentence);
    const text = `You said: ${[given(form)].flat().join(", ")}.`;
    for (const reveal of findAll(".site-reveal")) {
      if (reveal.dataset.prediction === form.dataset.prediction)
        get(".site-prediction-kept", reveal).textContent = text;
    }
  }

  for (const form of findAll(".site-prediction")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const answer = /** @type {string | string[] | null} */ (given(form));
      if (!answer?.length) return showVerdict(form, "open", "· Nothing chosen yet.", "Answer first; a guess is fine.");
      showPrediction(form, "It is shown beside the measurement further down.");
      const { lesson, prediction } = form.dataset;
      tell(form, "course-predicted", { lesson, prediction, given: numberOf(form) ?? answer });
    });
    form.addEventListener("course-restore", (event) => {
      if (put(form, /** @type {CustomEvent} */ (event).detail)) showPrediction(form, "You predicted this earlier.");
    });
  }

  // ---------------------------------------------------------------- quizzes

  /**
   * The share of its points that an open answer covers; undefined until the reader ticks them.
   * @type {(question: any, grade: Grade) => number | undefined}
   */
  const points = (question, { missing }) => (missing === undefined ? undefined : 1 - missing / question.answers.length);

  const WORDS = { right: "✓ Right.", wrong: "✗ Not quite.", open: "· No answer yet." };

  /**
   * Grade the answer in a form, and show the verdict.
   * @param {HTMLElement} form
   */
  function check(form) {
    const question = data[form.dataset.question ?? ""],
      answer = given(form),
      grade = courseGrading.grade(question, answer);
    const rubric = find(".site-rubric", form),
      comparing = Boolean(rubric?.hidden) && grade.understood;
    if (rubric && comparing) rubric.hidden = false;
    const kind = verdictOf(grade, { isOpen: rubric !== null, comparing });
    const all = question.answers.length;
    const words = { ...WORDS, partly: `· ${all - (grade.missing ?? 0)} of ${all} points.` };
    showVerdict(form, kind, comparing ? "· Now compare." : words[kind], grade.feedback);
    form.dataset.grade = kind;
    const show = get(".site-show", form);
    show.hidden = question.panel === undefined || !Object.keys(grade.try).length;
    show.onclick = () => {
      const panel = panels.get(question.panel);
      panel?.put(grade.try);
      panel?.root.scrollIntoView({ block: "start" });
      panel?.offerWayBack(form);
    };
    const quiz = /** @type {HTMLElement} */ (form.closest(".site-quiz"));
    const line = find(".lesson-score", quiz);
    if (line) line.textContent = score(findAll("[data-question]", quiz).map((each) => each.dataset.grade));
    return { question, answer, grade };
  }

  for (const form of findAll(".site-quiz form")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { question, answer, grade } = check(form);
      if (!grade.understood) return;
      const selfGraded = question.grader === "text" ? (points(question, grade) ?? 0) : null;
      const { lesson, id, seed } = question;
      tell(form, "course-answered", {
        ...{ lesson, question: id, seed, given: answer },
        ...{ correct: grade.correct, score: selfGraded },
      });
    });
    form.addEventListener("course-restore", (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      const rubric = find(".site-rubric", form);
      if (!put(form, detail)) return;
      if (rubric && detail.points) rubric.hidden = false; // the text was compared before
      check(form);
    });
  }
})();
