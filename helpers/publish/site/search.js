// Searching the lessons without a server. Nothing here touches a page; search_box.js does.

/**
 * @typedef {{terms: [string, string, string][], lessons: {[lesson: string]: string},
 *   sections: [string, string, string, string][]}} SearchIndex terms as (term, meaning, address), titles of lessons,
 *   and sections as (lesson, address, heading, text)
 * @typedef {{text: string, hit: boolean}[]} Marked a text in parts, with `hit` for search words
 * @typedef {{address: string, where: string, title: Marked, snippet: Marked}} Found
 */

// biome-ignore lint/correctness/noUnusedVariables: search_box.js, which a page loads after this file, uses it
const courseSearch = (() => {
  const MOST_TERMS = 4,
    MOST_SECTIONS = 12;
  const BEFORE = 50,
    SNIPPET = 170; // characters
  const LETTER = "[\\p{L}\\p{N}]";

  /**
   * A text in lower case and without accents, of the same length.
   * @type {(text: string) => string}
   */
  const folded = (text) =>
    text.replace(/[^\0-\x7f]/g, (letter) => letter.normalize("NFKD")[0].toLowerCase()[0]).toLowerCase();

  /**
   * The words of a query; a plural also finds the singular.
   * @type {(query: string) => string[]}
   */
  const wordsOf = (query) =>
    (folded(query).match(new RegExp(`${LETTER}+`, "gu")) ?? []).map((word) =>
      word.length > 3 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word,
    );

  /**
   * A pattern that matches words beginning with one of these.
   * @type {(words: string[]) => RegExp}
   */
  const beginnings = (words) => new RegExp(`(?<!${LETTER})(?:${words.join("|")})${LETTER}*`, "gu");

  /** @type {(text: string, words: string[]) => Marked} */
  function marked(text, words) {
    const parts = [];
    let end = 0;
    for (const { 0: hit, index } of folded(text).matchAll(beginnings(words))) {
      parts.push({ text: text.slice(end, index), hit: false });
      parts.push({ text: text.slice(index, index + hit.length), hit: true });
      end = index + hit.length;
    }
    parts.push({ text: text.slice(end), hit: false });
    return parts.filter((part) => part.text);
  }

  /**
   * An excerpt of a text around the first match of one of the words, cut between words.
   * @type {(text: string, words: string[]) => Marked}
   */
  function snippet(text, words) {
    const first = folded(text).search(beginnings(words));
    const start = first > BEFORE ? text.lastIndexOf(" ", first - BEFORE) + 1 : 0;
    const stop = text.length > start + SNIPPET ? text.lastIndexOf(" ", start + SNIPPET) : text.length;
    const cut = text.slice(start, stop > start ? stop : start + SNIPPET);
    return marked(`${start ? "… " : ""}${cut}${stop < text.length ? " …" : ""}`, words);
  }

  /**
   * How well a section matches; 0 where a word is missing. The heading counts more than the text below it.
   * @type {(title: string, text: string, words: string[], phrase: string) => number}
   */
  function score(title, text, words, phrase) {
    let sum = 0;
    for (const word of words) {
      const inTitle = title.match(beginnings([word]))?.length ?? 0;
      const inText = text.match(beginnings([word]))?.length ?? 0;
      if (!inTitle && !inText) return 0;
      sum += 10 * Math.min(inTitle, 1) + Math.min(inText, 5);
    }
    return sum + (words.length > 1 && text.includes(phrase) ? 8 : 0);
  }

  /**
   * Matching terms of the glossary, then matching sections, the best first.
   * @type {(index: SearchIndex, query: string) => Found[]}
   */
  function find({ terms, lessons, sections }, query) {
    const words = wordsOf(query);
    if (!words.length) return [];
    const phrase = words.join(" ");
    const inAll = (/** @type {string} */ text) => words.every((word) => beginnings([word]).test(folded(text)));
    const meant = terms
      .filter(([term]) => inAll(term))
      .sort(([a], [b]) => a.length - b.length)
      .slice(0, MOST_TERMS)
      .map(([term, meaning, address]) => ({
        address,
        where: "Glossary",
        title: marked(term, words),
        snippet: marked(meaning, words),
      }));
    const read = sections
      .map(([lesson, address, title, text]) => {
        const fit = score(folded(title), folded(text), words, phrase);
        return { lesson, address, title, text, fit };
      })
      .filter(({ fit }) => fit > 0)
      .sort((a, b) => b.fit - a.fit)
      .slice(0, MOST_SECTIONS)
      .map(({ lesson, address, title, text }) => ({
        address,
        where: `${lesson} ${lessons[lesson]}`,
        title: marked(title, words),
        snippet: snippet(text, words),
      }));
    return [...meant, ...read];
  }

  return { folded, wordsOf, marked, snippet, find };
})();
