// Computations for pages and slides that don't touch the DOM: site.js and present.js call them, node tests them.

/** @typedef {"right" | "wrong" | "partly" | "open"} Verdict */
/** @typedef {{kind: "slider" | "menu" | "check", label: string, labels: string[]}} Described a control, in words */

// biome-ignore lint/correctness/noUnusedVariables: site.js and present.js, which a page loads after this file, use it
const coursePages = (() => {
  const MENU_DISTANCE = 4; // of another menu entry: more than a slider's full range
  const OFF_DISTANCE = 1e-3; // added for each slider off its place, so that fewer such sliders are nearer

  /** @type {(base64: string) => Uint8Array<ArrayBuffer>} */
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  /** @typedef {{vectors: number, distinct: number, width: number, steps: boolean}} Head a column's entry in the index */
  /** @typedef {(number: number) => Uint32Array} Column the vector of a state or of a network */

  /**
   * The columns of a table, as packing.py writes them.
   * @type {(bytes: Uint8Array, heads: Head[]) => Column[]}
   */
  function columnsIn(bytes, heads) {
    let at = 0;
    const take = (/** @type {number} */ count, /** @type {number} */ width) => {
      const found = new Uint32Array(count);
      for (let b = 0; b < width; b++) for (let i = 0; i < count; i++) found[i] |= bytes[at++] << (8 * b);
      return found;
    };
    return heads.map(({ vectors, distinct, width, steps }) => {
      const places = take(vectors, 2),
        ends = take(distinct, 2),
        mask = 2 ** (8 * width) - 1;
      for (let v = 1; v < distinct; v++) ends[v] += ends[v - 1];
      const values = take(ends[distinct - 1] ?? 0, width);
      const vector = (/** @type {number} */ v) => values.subarray(v ? ends[v - 1] : 0, ends[v]);
      for (let v = 0; steps && v < distinct; v++) {
        const numbers = vector(v);
        for (let i = 1; i < numbers.length; i++) numbers[i] = (numbers[i] + numbers[i - 1]) & mask;
      }
      return (number) => vector(places[number]);
    });
  }

  /**
   * The row of a state, whose floats lack their last byte in the table.
   * @type {(traces: Column[], state: number) => Float32Array}
   */
  function rowOf(traces, state) {
    const bits = traces.flatMap((column) => [...column(state)]);
    return new Float32Array(Uint32Array.from(bits, (each) => each << 8).buffer);
  }

  /**
   * The numbers of a network's picture as net.js reads them, from the columns of the networks.
   * @type {(fields: Column[], net: number) => string}
   */
  function netData(fields, net) {
    const [level, shut, gradient, activation, links, rows] = fields.map((column) => column(net));
    const units = gradient.map((each, i) => each | (activation[i] << 4));
    const pairs = (/** @type {Uint32Array} */ numbers) => [...numbers].flatMap((each) => [each & 255, each >> 8]);
    const bytes = [...pairs(level), ...shut, ...units, ...links, ...pairs(rows)];
    return btoa(String.fromCharCode(...bytes));
  }

  /**
   * The index in `keys` of the state nearest to `key`; a menu counts more than a slider's full range.
   * @type {(keys: number[][], key: number[], controls: Described[]) => number}
   */
  function nearest(keys, key, controls) {
    let best = 0,
      least = Infinity;
    keys.forEach((baked, place) => {
      let distance = 0;
      for (let i = 0; i < key.length && distance < least; i++) {
        if (baked[i] === key[i]) continue;
        const { kind, labels } = controls[i];
        distance += kind === "slider" ? Math.abs(baked[i] - key[i]) / labels.length + OFF_DISTANCE : MENU_DISTANCE;
      }
      if (distance < least) [best, least] = [place, distance];
    });
    return best;
  }

  /**
   * The differences of another state in words; "" where there are none.
   * @type {(key: number[], shown: number[], controls: Described[]) => string}
   */
  const differences = (key, shown, controls) =>
    controls.flatMap(({ label, labels }, i) => (key[i] === shown[i] ? [] : `${label} ${labels[shown[i]]}`)).join(", ");

  /**
   * The parts of a text with code in `backticks`: code, other text, and null for a line break.
   * @type {(text: string) => ({text: string, code: boolean} | null)[]}
   */
  const partsOf = (text) =>
    text.split("\n").flatMap((line, number) => {
      const parts = line.split(/`([^`]+)`/).map((part, i) => ({ text: part, code: i % 2 === 1 }));
      return number ? [null, ...parts] : parts;
    });

  /**
   * The verdict on an answer. An open text is first compared with its model answer, then right or partly right.
   * @type {(grade: Grade, asked: {isOpen: boolean, comparing: boolean}) => Verdict}
   */
  function verdictOf({ understood, correct }, { isOpen, comparing }) {
    if (comparing || !understood) return "open";
    if (correct) return "right";
    return isOpen ? "partly" : "wrong";
  }

  /** @type {(verdicts: (string | undefined)[]) => string} */
  function score(verdicts) {
    const answered = verdicts.filter((verdict) => verdict !== undefined && verdict !== "open");
    const right = answered.filter((verdict) => verdict === "right");
    return `${right.length} of ${verdicts.length} right, ${answered.length} answered.`;
  }

  /**
   * The largest scale between `low` and `high` at which something fits, to 0.01; `low` where none does.
   * @type {(fits: (scale: number) => boolean, low: number, high: number) => number}
   */
  function largestScale(fits, low, high) {
    if (fits(high)) return high;
    while (high - low > 0.01) {
      const middle = (low + high) / 2;
      if (fits(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  /**
   * Whether a key turns the slides: never in a control, and on a button not the keys that press it.
   * @type {(key: string, focus: {inControl: boolean, onButton: boolean}) => boolean}
   */
  const turnsSlides = (key, { inControl, onButton }) => !inControl && !(onButton && (key === " " || key === "Enter"));

  return {
    bytesOf,
    columnsIn,
    rowOf,
    netData,
    nearest,
    differences,
    partsOf,
    verdictOf,
    score,
    largestScale,
    turnsSlides,
  };
})();
