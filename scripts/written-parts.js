'use strict';

// The parts of the documents that scripts write, each between two comments that name it and its writer.

const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('./command');

const ROOT = path.join(__dirname, '..');

/** Where each part is, and who writes it. */
const PARTS = {
  differences: { page: 'docs/differences.md', writer: 'scripts/differences.js' },
  runtimes: { page: 'docs/runtimes.md', writer: 'scripts/runtimes.js' },
  servers: { page: 'docs/runtimes.md', writer: 'npm run test:servers' },
};

/** A table in Markdown, of rows of cells; the first row is its head. */
function table([head, ...rows]) {
  const line = (cells) => `|${cells.map((cell) => (cell ? ` ${cell} |` : ' |')).join('')}`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** The page of a part as { file, before, part, after }. */
function split(name) {
  const { page, writer } = PARTS[name];
  const file = path.join(ROOT, page);
  const text = fs.readFileSync(file, 'utf8');
  const [from, to] = [`<!-- ${name}: written by ${writer} -->\n`, `\n<!-- end of ${name} -->`];
  const start = text.indexOf(from) + from.length;
  const end = text.indexOf(to, start);
  if (start < from.length || end < 0) throw new Failure(`${page} has no place for ${name}, between ${from} and ${to}`);
  return { file, before: text.slice(0, start), part: text.slice(start, end), after: text.slice(end) };
}

/** A part as it stands in its page. */
const readPart = (name) => split(name).part;

/** Puts a part into its page, whose name is returned. */
function writePart(name, part) {
  const { file, before, after } = split(name);
  fs.writeFileSync(file, `${before}${part}${after}`);
  return PARTS[name].page;
}

module.exports = { readPart, table, writePart };
