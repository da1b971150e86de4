'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./setup');

/** The files of a place, a file or a folder, by their names from the root, with slashes on every system. */
function filesIn(place, isWanted) {
  const full = path.join(ROOT, place);
  if (!fs.statSync(full).isDirectory()) return [place];
  return fs.readdirSync(full, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules') return [];
    const name = `${place}/${entry.name}`;
    if (entry.isDirectory()) return filesIn(name, isWanted);
    return isWanted.test(name) ? [name] : [];
  });
}

const textOf = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');

/** The number of the line in which this place of a text is. */
const lineAt = (text, index) => text.slice(0, index).split('\n').length;

module.exports = { filesIn, lineAt, textOf };
