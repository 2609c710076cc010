// What a page does without a kernel: panels drawn from baked tables, quizzes, predictions, light and dark.
// `courseLive` comes from live.js, `courseGrading` from grading.js, `courseData` from the lesson's table.

(() => {
  const { Live, unpackRows, inflate, nearestIndex } = courseLive;
  const data = globalThis.courseData ?? {};
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ---------------------------------------------------------------- tables

  function bytesOf(base64) {
    const letters = atob(base64),
      bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    return bytes;
  }

  // The baked rows of one panel by state; opened when first asked.
  class Table {
    constructor({ index, rows }, size, controls) {
      Object.assign(this, { packed: { index, rows }, size, controls });
    }
    open() {
      this.opened ??= this.read();
      return this.opened;
    }
    async read() {
      const { index, rows } = this.packed;
      const [json, values] = await Promise.all([inflate(bytesOf(index), "deflate"), unpackRows(bytesOf(rows), true)]);
      const { keys, notes } = JSON.parse(new TextDecoder().decode(json));
      this.numbers = new Map(keys.map((key, number) => [JSON.stringify(key), number]));
      Object.assign(this, { keys, notes, values });
      delete this.packed;
    }
    // The number of the state that is baked nearest to `key`: menus count more than the whole way of a slider.
    nearest(key) {
      const own = this.numbers.get(JSON.stringify(key));
      if (own !== undefined) return own;
      let best = 0,
        least = Infinity;
      this.keys.forEach((baked, number) => {
        let distance = 0;
        for (let i = 0; i < key.length && distance < least; i++) {
          if (baked[i] === key[i]) continue;
          distance +=
            this.controls[i].kind === "slider"
              ? Math.abs(baked[i] - key[i]) / this.controls[i].labels.length + 1e-3
              : 4;
        }
        if (distance < least) [best, least] = [number, distance];
      });
      return best;
    }
    row(number) {
      return this.values.subarray(number * this.size, (number + 1) * this.size);
    }
  }

  // ---------------------------------------------------------------- panels

  const NARROWEST = 700; // pixels that a picture with its legend needs

  function nativeControl(root, grid, control) {
    const input = find("input, select", root),
      readout = find("output", root);
    const get = () =>
      control.kind === "menu"
        ? input.selectedIndex
        : control.kind === "check"
          ? Number(input.checked)
          : Number(input.value);
    const tell = () => {
      if (!readout) return;
      readout.textContent = control.labels[get()];
      input.setAttribute("aria-valuetext", control.labels[get()]);
    };
    const put = (place) => {
      if (control.kind === "menu") input.selectedIndex = place;
      else if (control.kind === "check") input.checked = Boolean(place);
      else input.value = place;
      input.dispatchEvent(new Event("input"));
    };
    input.addEventListener("input", tell);
    return {
      id: grid.id,
      count: grid.count,
      get,
      put,
      set: (number) => put(nearestIndex(grid, number)),
      onChange(react) {
        input.addEventListener("input", react);
        return () => input.removeEventListener("input", react);
      },
    };
  }

  // Where `live.js` would ask the kernel, the nearest baked row answers.
  function bakedSource(table) {
    let react = () => {};
    return {
      async ask(key, id) {
        await table.open();
        const number = table.nearest(key);
        react({ type: "rows", keys: [key], notes: [table.notes[number]], packed: false, answers: id }, [
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
    constructor(root, { spec, row, notes, controls = [], presets = [], table }) {
      Object.assign(this, { root, spec, row, notes, description: controls, presets });
      this.table = table && new Table(table, spec.size, controls);
      this.controls = findAll(".site-control", root).map((element, i) =>
        nativeControl(element, spec.grids[i], controls[i]),
      );
      this.beside = find(".site-beside", root);
      for (const control of this.controls) control.onChange(() => this.tellBeside());
      findAll("[data-preset]", root).forEach((button) => {
        button.addEventListener("click", () => this.put(presets[Number(button.dataset.preset)]));
      });
    }
    // places: {number of the control: place on its grid}
    put(places) {
      for (const [number, place] of Object.entries(places)) this.controls[number].put(place);
    }
    start() {
      this.started ??= this.draw();
      return this.started;
    }
    async draw() {
      const element = find(".live-figure", this.root),
        spec = structuredClone(this.spec);
      const source = this.table ? bakedSource(this.table) : { listen: () => () => {} };
      this.live = element.live = new Live(element, spec, Plotly, this.controls, source);
      this.fit();
      await this.live.start(spec.first, await unpackRows(bytesOf(this.row), false), this.notes);
      this.fit();
      addEventListener("resize", () => this.fit());
      await this.table?.open();
      this.root.dataset.ready = "";
    }
    // On a phone the picture is drawn as wide as its words need, and shown smaller.
    fit() {
      if (!this.root.clientWidth) return; // on a slide that is not shown
      const { style, offsetHeight } = this.live.plot,
        scale = Math.min(1, this.root.clientWidth / NARROWEST);
      style.width = scale < 1 ? `${NARROWEST}px` : "";
      style.transform = scale < 1 ? `scale(${scale})` : "";
      style.marginBottom = scale < 1 ? `${(scale - 1) * offsetHeight}px` : "";
    }
    // A word where the state in hand is not in the table, and a way to the one that is shown in its place.
    async tellBeside() {
      await this.table.open();
      const key = this.controls.map((control) => control.get()),
        shown = this.table.keys[this.table.nearest(key)];
      const other = key.flatMap((place, i) => (place === shown[i] ? [] : [i]));
      this.beside.hidden = !other.length;
      if (!other.length) return this.beside.replaceChildren();
      const names = other.map((i) => `${this.description[i].label} ${this.description[i].labels[shown[i]]}`);
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Go there";
      button.addEventListener("click", () => this.put({ ...shown }));
      this.beside.replaceChildren(`Not baked. Shown is the nearest state that is: ${names.join(", ")}. `, button);
    }
  }

  const panels = new Map();
  for (const root of findAll(".site-figure")) {
    const tag = root.id.slice("panel-".length);
    panels.set(tag, new SitePanel(root, data[tag]));
  }
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries)
        if (isIntersecting) panels.get(target.id.slice("panel-".length)).start();
    },
    { rootMargin: "600px" },
  );
  for (const { root } of panels.values()) near.observe(root);
  const first = panels.values().next().value;
  if (first?.root.clientWidth) first.start();

  // ---------------------------------------------------------------- ways to answer

  for (const list of findAll(".site-order")) {
    list.addEventListener("click", ({ target }) => {
      const entry = target.closest("button")?.closest("li");
      if (!entry?.previousElementSibling) return;
      entry.previousElementSibling.before(entry);
      target.focus();
    });
  }

  for (const slider of findAll("input[data-labels]")) {
    const labels = JSON.parse(slider.dataset.labels);
    slider.addEventListener("input", () => {
      slider.nextElementSibling.textContent = labels[slider.value];
      slider.setAttribute("aria-valuetext", labels[slider.value]);
    });
  }

  const ticked = (form) =>
    findAll(".site-choices input", form)
      .filter((input) => input.checked)
      .map((input) => input.value);

  // What a form says: a text, texts, a number as text, or null where nothing is chosen.
  function given(form) {
    const written = find("input[type=text]", form),
      slider = find("input[data-labels]", form),
      list = find(".site-order", form);
    if (find("textarea", form)) return openText(form);
    if (list) return findAll("li", list).map((entry) => entry.dataset.text);
    if (slider) return JSON.parse(slider.dataset.labels)[slider.value];
    if (written) return written.value;
    return find("input[type=checkbox]", form) ? ticked(form) : (ticked(form)[0] ?? null);
  }

  function openText(form) {
    const text = find("textarea", form).value,
      rubric = find(".site-rubric", form);
    if (rubric.hidden) return text;
    const boxes = findAll("input[type=checkbox]", rubric);
    return { text, points: boxes.flatMap((box, place) => (box.checked ? [place] : [])) };
  }

  // Text with code in `backticks`, as elements.
  function spoken(text) {
    return text.split("\n").flatMap((line, number) => {
      const parts = line.split(/`([^`]+)`/).map((part, i) => {
        if (i % 2 === 0) return part;
        const code = document.createElement("code");
        code.textContent = part;
        return code;
      });
      return number ? [document.createElement("br"), ...parts] : parts;
    });
  }

  function verdict(form, kind, word, message) {
    const box = document.createElement("div"),
      strong = document.createElement("strong");
    box.className = `lesson-verdict lesson-${kind}`;
    strong.textContent = word;
    box.append(strong, " ", ...spoken(message));
    find(".site-feedback", form).replaceChildren(box);
  }

  // ---------------------------------------------------------------- predictions

  for (const form of findAll(".site-prediction")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const said = given(form);
      if (!said?.length) return verdict(form, "open", "· Nothing chosen yet.", "Answer first; a guess is fine.");
      verdict(form, "right", "✓ Kept.", "It stands beside the measurement further down, until you leave this page.");
      for (const reveal of findAll(".site-reveal").filter(
        (each) => each.dataset.prediction === form.dataset.prediction,
      )) {
        find(".site-said", reveal).textContent = `You said: ${[said].flat().join(", ")}.`;
      }
    });
  }

  // ---------------------------------------------------------------- quizzes

  const WORDS = { right: "✓ Right.", wrong: "✗ Not so.", open: "· No answer yet." };

  function check(form) {
    const question = data[form.dataset.question],
      grade = courseGrading.grade(question, given(form));
    const rubric = find(".site-rubric", form),
      unveiled = rubric?.hidden && grade.understood;
    if (unveiled) rubric.hidden = false;
    const kind = unveiled || !grade.understood ? "open" : grade.correct ? "right" : rubric ? "partly" : "wrong";
    const words = {
      ...WORDS,
      partly: `· ${question.answers.length - grade.missing} of ${question.answers.length} points.`,
    };
    verdict(form, kind, unveiled ? "· Now compare." : words[kind], grade.feedback);
    form.dataset.grade = kind;
    const show = find(".site-show", form);
    show.hidden = question.panel === undefined || !Object.keys(grade.try).length;
    show.onclick = () => {
      const panel = panels.get(question.panel);
      panel.put(grade.try);
      panel.root.scrollIntoView({ block: "start" });
    };
    score(form.closest(".site-quiz"));
  }

  function score(quiz) {
    if (!find(".lesson-score", quiz)) return;
    const grades = findAll("[data-question]", quiz).map((form) => form.dataset.grade);
    const right = grades.filter((grade) => grade === "right").length;
    const answered = grades.filter((grade) => ["right", "wrong", "partly"].includes(grade)).length;
    find(".lesson-score", quiz).textContent = `${right} of ${grades.length} right, ${answered} answered.`;
  }

  for (const form of findAll(".site-quiz form")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      check(form);
    });
  }

  // ---------------------------------------------------------------- light and dark

  const toggle = find("#theme"); // slides have none
  const isDark = () => document.documentElement.dataset.theme === "dark";
  const label = () => (toggle.textContent = isDark() ? "Light" : "Dark");
  toggle?.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", document.documentElement.dataset.theme);
    } catch {} // a browser may forbid it for files
    label();
  });
  if (toggle) label();
})();
