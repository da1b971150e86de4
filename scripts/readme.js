'use strict';

// The parts of the README that scripts write, each between two comments.

const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('./command');

const README = path.join(__dirname, '..', 'README.md');

/** A table in Markdown, of rows of cells; the first row is its head. */
function table([head, ...rows]) {
  const line = (cells) => `|${cells.map((cell) => (cell ? ` ${cell} |` : ' |')).join('')}`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** The README's text with this part replaced. */
function withPart(text, name, writer, part) {
  const from = `<!-- ${name}: written by ${writer} -->`;
  const to = `<!-- end of ${name} -->`;
  const start = text.indexOf(from);
  const end = text.indexOf(to, start);
  if (start < 0 || end < 0) throw new Failure(`README.md has no place for ${name}, between ${from} and ${to}`);
  return `${text.slice(0, start + from.length)}\n${part}\n${text.slice(end)}`;
}

/** Rewrites the README by a function of its text. */
function rewriteReadme(change) {
  fs.writeFileSync(README, change(fs.readFileSync(README, 'utf8')));
}

module.exports = { README, rewriteReadme, table, withPart };
