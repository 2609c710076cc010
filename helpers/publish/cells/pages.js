// What pages and slides compute without touching what is on them: site.js and present.js call it, node tests it.

/** @typedef {"right" | "wrong" | "partly" | "open"} Verdict */
/** @typedef {{kind: "slider" | "menu" | "check", label: string, labels: string[]}} Described a control, in words */

// biome-ignore lint/correctness/noUnusedVariables: site.js and present.js, which a page loads after this file, use it
const coursePages = (() => {
  const MENU_DISTANCE = 4; // of another entry of a menu: more than the whole way of a slider
  const OFF_DISTANCE = 1e-3; // of a slider that isn't where it should be, however near: fewer such sliders are better

  /** @type {(base64: string) => Uint8Array<ArrayBuffer>} */
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  /**
   * The place in `keys` of the state nearest to `key`: menus count more than the whole way of a slider.
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
   * What another state differs in, in words; "" where it doesn't.
   * @type {(key: number[], shown: number[], controls: Described[]) => string}
   */
  const differences = (key, shown, controls) =>
    controls.flatMap(({ label, labels }, i) => (key[i] === shown[i] ? [] : `${label} ${labels[shown[i]]}`)).join(", ");

  /**
   * The parts of a text with code in `backticks`: what is code, what isn't, and a null where a line ends.
   * @type {(text: string) => ({text: string, code: boolean} | null)[]}
   */
  const partsOf = (text) =>
    text.split("\n").flatMap((line, number) => {
      const parts = line.split(/`([^`]+)`/).map((part, i) => ({ text: part, code: i % 2 === 1 }));
      return number ? [null, ...parts] : parts;
    });

  /**
   * What an answer is called. An open text is first compared with its model answer, then right or partly so.
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
   * The largest scale between two at which something fits, to 0.01; the lower one where none does.
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
   * Whether a key turns the slides: not in a control, and a button keeps the keys that press it.
   * @type {(key: string, focus: {inControl: boolean, onButton: boolean}) => boolean}
   */
  const turnsSlides = (key, { inControl, onButton }) => !inControl && !(onButton && (key === " " || key === "Enter"));

  return { bytesOf, nearest, differences, partsOf, verdictOf, score, largestScale, turnsSlides };
})();
