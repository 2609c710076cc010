// Grading on a page without a kernel: the counterpart of helpers/quiz/grading.py and numbers.py; a test compares them.
// A grade is {correct, feedback, understood, try}; nothing is evaluated as code.

/**
 * @typedef {{[control: string]: number}} State places of controls, to show in the panel
 * @typedef {{text: string, correct: boolean, feedback: string, number: number | null, range: number[] | null,
 *   default: boolean, try: State}} Answer
 * @typedef {{grader: string, unit: string, precision: number | null,
 *   tolerance: number | null, feedback: string, answers: Answer[]}} Question
 * @typedef {{correct: boolean, feedback: string, understood: boolean, try: State, missing?: number}} Grade
 * @typedef {(question: Question, given: any) => Grade} Grader
 */

// biome-ignore lint/correctness/noUnusedVariables: site.js, which a page loads after this file, calls it
const courseGrading = (() => {
  const MAX_ANSWER_LENGTH = 200,
    MAX_TEXT_LENGTH = 10000;
  const NO_NUMBER = "Write one number, for instance 0.25 or 1e-6.";
  const NOT_FINITE = "That is not a finite number. Write one such as 0.25 or 1e-6.";
  const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]"; // the same as Python's \s
  const ENDS = new RegExp(`^${SPACE}+|${SPACE}+$`, "g"),
    SPACES = new RegExp(`${SPACE}+`, "g");
  const PLAIN = "[+-]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?";
  /** @type {(pattern: string) => RegExp} */
  const whole = (pattern) => new RegExp(`^(?:${pattern})$`);
  /** @type {[RegExp, (first: number, second: number) => number][]} */
  const FORMS = [
    [whole(`(${PLAIN})()`), (number) => number],
    [whole(`(${PLAIN})[×x·*⋅]10(?:\\^|\\*\\*)([+-]?[0-9]+)`), (mantissa, exponent) => mantissa * power(10, exponent)],
    [whole(`(${PLAIN})(?:\\^|\\*\\*)(${PLAIN})`), power],
    [whole(`(${PLAIN})/(${PLAIN})`), (above, below) => (below === 0 ? divides() : above / below)],
  ];

  /** @type {(sentence: string) => never} */
  const complain = (sentence) => {
    throw new RangeError(sentence);
  };
  /** @type {() => never} */
  const divides = () => complain("That divides by zero. Write a finite number.");
  /** @type {(text: string) => string} */
  const trimmed = (text) => text.replace(ENDS, "");

  /** @type {(base: number, exponent: number) => number} */
  function power(base, exponent) {
    if (base === 0 && exponent < 0) return divides();
    if (Math.abs(base) === 1 && !Number.isFinite(exponent)) return 1;
    return base ** exponent;
  }

  /** @type {(text: string, length: number) => string} */
  function shortened(text, length) {
    const letters = [...text];
    if (letters.length <= length) return text;
    return `${letters.slice(0, length / 2).join("")} … ${letters.slice(-length / 2).join("")}`;
  }

  /**
   * Replace the digits of all scripts by 0 to 9; in Unicode the ten digits of a script are consecutive.
   * @type {(text: string) => string}
   */
  function plainDigits(text) {
    const digit = /^\p{Nd}$/u;
    return text.replace(/\p{Nd}/gu, (letter) => {
      let before = 0;
      while (digit.test(String.fromCodePoint(Number(letter.codePointAt(0)) - before - 1))) before++;
      return String(before % 10);
    });
  }

  /** @type {(plain: string, text: string) => string} */
  function withPoint(plain, text) {
    if (!plain.includes(",")) return plain;
    if (plain.includes(".") || /(?<![0-9])[1-9][0-9]{0,2},[0-9]{3}(?![0-9])/.test(plain) || /,[0-9]*,/.test(plain))
      complain(`Is “${shortened(trimmed(text), 40)}” a decimal comma? Write it with a point, such as 1000.5.`);
    return plain.replaceAll(",", ".");
  }

  /** @type {(text: string, unit: string) => number} */
  function parse(text, unit) {
    if ([...text].length > MAX_ANSWER_LENGTH)
      complain(`That is longer than ${MAX_ANSWER_LENGTH} characters. Write one number, such as 1e-6.`);
    let plain = trimmed(text);
    if (!plain) complain("Write a number first, for instance 0.25 or 1e-6.");
    if (unit && plain.endsWith(unit)) plain = plain.slice(0, -unit.length);
    plain = plain.replace(
      /[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+/g,
      (found) => `^${[...found].map((c) => "0123456789+-"["⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻".indexOf(c)]).join("")}`,
    );
    plain = plain.replace(/[−–‒﹣－]/g, "-").replace(SPACES, "");
    let scale = 1;
    if (plain.endsWith("%")) [plain, scale] = [plain.slice(0, -1), 0.01];
    plain = withPoint(plainDigits(plain), text);
    for (const [form, value] of FORMS) {
      const found = form.exec(plain);
      if (found) return scale * value(Number(found[1]), Number(found[2] || 0));
    }
    return complain(`“${shortened(trimmed(text), 40)}” is not a number I can read. Write it like 0.25, 1e-6 or 10^-6.`);
  }

  /** @type {(given: unknown, unit?: string) => number} */
  function readNumber(given, unit = "") {
    const number =
      typeof given === "string" ? parse(given, unit) : typeof given === "number" ? given : complain(NO_NUMBER);
    return Number.isFinite(number) ? number : complain(NOT_FINITE);
  }

  /**
   * A number with `count` significant digits; ties are rounded to the even digit, as in Python.
   * @type {(number: number, count: number) => string}
   */
  function digits(number, count) {
    const [exact, exponent] = number.toExponential(60).split("e"),
      point = exact.indexOf(".");
    const inTheMiddle = /^50*$/.test(exact.replace(/[-.]/g, "").slice(count));
    const kept = exact.slice(0, count > 1 ? point + count : point);
    if (inTheMiddle && "02468".includes(kept.slice(-1))) return `${kept}e${exponent}`;
    return number.toExponential(count - 1);
  }

  /** @type {(number: number, expected: number, question: Question) => boolean} */
  function agree(number, expected, { tolerance, precision }) {
    if (tolerance !== null) return Math.abs(number - expected) <= tolerance * Math.abs(expected);
    if (precision !== null) return digits(number, precision) === digits(expected, precision);
    return Math.abs(number - expected) <= 1e-9 * Math.max(Math.abs(number), Math.abs(expected));
  }

  /** @type {(feedback: string) => Grade} */
  const notUnderstood = (feedback) => ({ correct: false, feedback, understood: false, try: {} });
  /** @type {(answer: Answer) => Grade} */
  const gradeOf = (answer) => ({
    correct: answer.correct,
    feedback: answer.feedback,
    understood: true,
    try: answer.try,
  });
  /** @type {(state: State) => boolean} */
  const isEmpty = (state) => !Object.keys(state).length;
  /** @type {(answers: Answer[]) => State} */
  const firstTry = (answers) => answers.map((answer) => answer.try).find((state) => !isEmpty(state)) ?? {};
  /** @type {(answer: Answer) => string} */
  const quoted = (answer) => `“${answer.text.replace(/\.+$/, "")}”. ${answer.feedback}`;

  /** @type {(things: string) => Grader} */
  const choice = (things) => (question, given) => {
    const answer = question.answers.find((each) => each.text === given);
    return answer ? gradeOf(answer) : notUnderstood(`Choose one of the ${things} first.`);
  };

  /** @type {Grader} */
  function choices(question, given) {
    const known = question.answers.map((answer) => answer.text);
    if (!Array.isArray(given) || !given.length || !given.every((text) => known.includes(text)))
      return notUnderstood("Choose at least one of the answers first.");
    const wrong = question.answers.filter((answer) => given.includes(answer.text) && !answer.correct);
    const missing = question.answers.filter((answer) => answer.correct && !given.includes(answer.text));
    if (!wrong.length && !missing.length) {
      const feedback = question.answers
        .filter((answer) => answer.correct)
        .map((answer) => answer.feedback)
        .join(" ");
      return { correct: true, feedback, understood: true, try: {} };
    }
    const lines = [...wrong.map((a) => `Not this one: ${quoted(a)}`), ...missing.map((a) => `Missing: ${quoted(a)}`)];
    return { correct: false, feedback: lines.join("\n"), understood: true, try: firstTry([...wrong, ...missing]) };
  }

  /** @type {Grader} */
  function order(question, given) {
    const right = question.answers.map((answer) => answer.text);
    if (!Array.isArray(given) || given.length !== right.length || !right.every((text) => given.includes(text)))
      return notUnderstood(`Put all ${right.length} entries in order first.`);
    const place = right.findIndex((text, i) => given[i] !== text);
    if (place < 0) return { correct: true, feedback: question.feedback, understood: true, try: {} };
    const belongs = question.answers[place];
    const feedback = `Place ${place + 1} belongs to ${quoted(belongs)}`;
    return { correct: false, feedback, understood: true, try: belongs.try };
  }

  /** @type {Grader} */
  function number(question, given) {
    let read;
    try {
      read = readNumber(given, question.unit);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return notUnderstood(error.message);
    }
    /** @type {(answer: Answer) => boolean} */
    const takes = ({ range, number: expected }) =>
      (range !== null && range[0] <= read && read < range[1]) || (expected !== null && agree(read, expected, question));
    const answer = question.answers.find(takes) ?? question.answers.find((each) => each.default);
    if (!answer) throw new Error("a question with a number has no default answer");
    return gradeOf(answer);
  }

  /** @type {Grader} */
  function text(question, given) {
    const { text: written, points } = typeof given === "string" ? { text: given, points: null } : (given ?? {});
    if (typeof written !== "string" || !trimmed(written)) return notUnderstood("Write a sentence or two first.");
    if ([...written].length > MAX_TEXT_LENGTH)
      return notUnderstood(`That is longer than ${MAX_TEXT_LENGTH} characters. Write what matters most.`);
    if (!points) {
      const feedback = "Compare your text with the model answer and tick the points that it makes.";
      return { correct: false, feedback, understood: true, try: {} };
    }
    const missing = question.answers.filter((_, place) => !points.includes(place));
    const lines = missing.map((answer) => `To add: ${answer.feedback}`).join("\n");
    const all = "Your text makes every point. Come back to it in a week and write it once more.";
    return {
      correct: !missing.length,
      feedback: lines || all,
      understood: true,
      try: firstTry(missing),
      missing: missing.length,
    };
  }

  /** @type {{[name: string]: Grader}} */
  const graders = { choice: choice("answers"), network: choice("networks"), choices, order, number, text };
  /** @type {Grader} */
  const grade = (question, given) => graders[question.grader](question, given);
  return { readNumber, grade };
})();
