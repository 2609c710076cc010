// A reader's answers on these pages, as rows in the format of the course's own record, so that helpers/progress can
// read an export of them. Rows are added and never changed. Nothing here touches the DOM; answers_shown.js does.

/**
 * @typedef {{at: string, lesson: string, question: string, given: any, correct: 0 | 1, seconds: number,
 *   seed: number | null, score: number | null}} AnswerRow
 * @typedef {{at: string, lesson: string, prediction: string, given: any, seconds: number}} PredictionRow
 * @typedef {{answer: AnswerRow[], prediction: PredictionRow[]}} Answers
 * @typedef {{questions: string[], predictions: string[]}} Asked the ids of a lesson's questions and predictions
 * @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Place
 */

// biome-ignore lint/correctness/noUnusedVariables: answers_shown.js, which a page loads after this file, uses it
const courseAnswers = (() => {
  const COURSE = "Where did the gradient go?";
  const FORMAT = 2; // of the record, as in helpers/progress/schema.py
  const KEY = `${COURSE} answers`;
  const LONGEST_SECONDS = 300; // a longer pause means the reader was away

  /** @type {() => Answers} */
  const nothing = () => ({ answer: [], prediction: [] });

  /**
   * All stored rows; none where the storage can't be read or holds something else.
   * @type {(place: Place | null) => Answers}
   */
  function read(place) {
    try {
      const { answer, prediction } = JSON.parse(place?.getItem(KEY) ?? "{}");
      return { answer: rowsIn(answer, "question"), prediction: rowsIn(prediction, "prediction") };
    } catch {
      return nothing();
    }
  }

  /** @type {(rows: any, name: string) => any[]} */
  const rowsIn = (rows, name) =>
    (Array.isArray(rows) ? rows : []).filter((row) => typeof row?.lesson === "string" && typeof row[name] === "string");

  /**
   * Store one more row; returns whether it is stored.
   * @type {(place: Place | null, table: "answer" | "prediction", row: any) => boolean}
   */
  function add(place, table, row) {
    const rows = read(place); // another tab may have added some
    rows[table].push(row);
    try {
      place?.setItem(KEY, JSON.stringify(rows));
      return place !== null;
    } catch {
      return false; // the browser's storage may be full or disabled
    }
  }

  /** @type {(place: Place | null) => void} */
  function forget(place) {
    try {
      place?.removeItem(KEY);
    } catch {}
  }

  /**
   * The last answer to each question of a lesson, by the question's id.
   * @type {(rows: Answers, lesson: string) => Map<string, AnswerRow>}
   */
  const lastAnswers = ({ answer }, lesson) =>
    new Map(answer.filter((row) => row.lesson === lesson).map((row) => [row.question, row]));

  /**
   * The last answer to each prediction, by its id.
   * @type {(rows: Answers) => Map<string, PredictionRow>}
   */
  const lastPredictions = ({ prediction }) => new Map(prediction.map((row) => [row.prediction, row]));

  /**
   * How many of a lesson's questions are answered and right at the last try, and how many predictions are made.
   * @type {(rows: Answers, lesson: string, asked: Asked) => {answered: number, right: number, predicted: number}}
   */
  function counts(rows, lesson, { questions, predictions }) {
    const answers = lastAnswers(rows, lesson);
    const known = lastPredictions(rows);
    return {
      answered: questions.filter((id) => answers.has(id)).length,
      right: questions.filter((id) => answers.get(id)?.correct).length,
      predicted: predictions.filter((id) => known.has(id)).length,
    };
  }

  /**
   * The rows as the JSON text that `lesson.my_data()` and `start.py class` read.
   * @type {(rows: Answers, now: Date) => string}
   */
  const exported = ({ answer, prediction }, now) =>
    JSON.stringify(
      { course: COURSE, format: FORMAT, exported: iso(now), answer, prediction, exercise: [], sitting: [] },
      null,
      1,
    );

  /** @type {(now: Date) => string} */
  const iso = (now) => now.toISOString().replace("Z", "+00:00");

  /**
   * The file name of an export, with the reader's local time.
   * @type {(now: Date) => string}
   */
  function fileName(now) {
    const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
    const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
    return `gradient-course-${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.json`;
  }

  /** @type {(milliseconds: number) => number} */
  const spent = (milliseconds) => Math.min(Math.max(milliseconds / 1000, 0), LONGEST_SECONDS);

  return { KEY, read, add, forget, lastAnswers, lastPredictions, counts, exported, iso, fileName, spent };
})();
