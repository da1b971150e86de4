#!/usr/bin/env node
'use strict';

// Comments cite docs/semantics.md by section, "semantics.md 2.4" or "semantics.md, part 4". Each must be there. A part
// of `npm run check`; alone, `node scripts/citations.js`.

const { Failure, main, say } = require('./command');
const { filesIn, lineAt, textOf } = require('./source-files');

const PAGE = 'docs/semantics.md';
const PLACES = [
  'src',
  'lib',
  'index.js',
  'index.mjs',
  'index.d.ts',
  'index.d.mts',
  '__test__',
  'scripts',
  'bench',
  'docs',
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
];
const SOURCES = /\.([cm]?js|[cm]?ts|rs|md|c)$/;

/** What may stand between two words of a comment: blanks, and where a line ends the sign of the next comment line. */
const GAP = String.raw`[ \t]*(?:\r?\n[ \t]*(?:\/\/[\/!]?|\*|#)?[ \t]*)?`;
const SECTION = String.raw`\d+\.\d+`;
const SECTIONS = `${SECTION}(?:(?:,|${GAP}and|${GAP}or)${GAP}${SECTION})*`;
/** The page's name, maybe as a link or as code, and a part, or one section or more. */
const CITATION = new RegExp(
  String.raw`semantics\.md[\x60)\]]*,?${GAP}(?:part${GAP}(?<part>\d+)|(?:sections?${GAP})?(?<sections>${SECTIONS}))`,
  'g',
);
/** Within the page its name is left out. */
const OWN_CITATION = new RegExp(String.raw`\((?<sections>${SECTION})\)`, 'g');

/** The numbers of parts and sections that the page has headings for: "part 4", "2.4". */
function headings(text) {
  const found = text.matchAll(/^#+ (?:Part (\d+):|(\d+\.\d+) )/gm);
  return new Set(Array.from(found, ([, part, section]) => (part ? `part ${part}` : section)));
}

/** What this pattern finds in a text to be cited, each with its line. */
function citations(text, pattern) {
  return [...text.matchAll(pattern)].flatMap((match) => {
    const { part, sections } = match.groups;
    const cited = part ? [`part ${part}`] : sections.match(/\d+\.\d+/g);
    return cited.map((name) => ({ line: lineAt(text, match.index), name }));
  });
}

/** All citations, those of the page in itself too. */
function allCitations() {
  return PLACES.flatMap((place) => filesIn(place, SOURCES)).flatMap((file) => {
    const text = textOf(file);
    const found = [...citations(text, CITATION), ...(file === PAGE ? citations(text, OWN_CITATION) : [])];
    return found.map((citation) => ({ file, ...citation }));
  });
}

function checkCitations() {
  const known = headings(textOf(PAGE));
  const all = allCitations();
  const dangling = all.filter(({ name }) => !known.has(name));
  if (dangling.length > 0) {
    const lines = dangling.map(({ file, line, name }) => `${file}:${line}: ${PAGE} has no ${name}`);
    throw new Failure(lines.join('\n'));
  }
  say(`${all.length} citations of ${PAGE} lead to a section`);
}

if (require.main === module) main(checkCitations);

module.exports = { checkCitations };
