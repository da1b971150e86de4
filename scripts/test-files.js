'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./setup');

const FOLDER = '__test__';

const statOf = (file) => fs.statSync(path.resolve(ROOT, file), { throwIfNoEntry: false });

function testFilesIn(folder) {
  return fs.readdirSync(path.resolve(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFilesIn(place);
    return /\.test\.[cm]?js$/.test(entry.name) ? [place] : [];
  });
}

/** All test files, as a list: what a folder or a pattern means to `node --test` differs between Node's versions. */
const allTestFiles = () => testFilesIn(FOLDER).sort();

/** Those whose clients talk over the transport that TEST_TRANSPORT names. */
function filesOfBehaviour() {
  const talks = (file) => /\bwith(Client|Cluster|Etcd)\(/.test(fs.readFileSync(path.resolve(ROOT, file), 'utf8'));
  return allTestFiles().filter(talks);
}

/** The name of a file: `requests/keys`. */
const testName = (file) =>
  path
    .relative(FOLDER, file)
    .replaceAll(path.sep, '/')
    .replace(/\.test\.[cm]?js$/, '');

/** The file of a name such as `requests/keys`. */
const testFile = (name) => path.join(FOLDER, `${name}.test.js`);

/**
 * The test files that a word on a command line means: a file, a folder, or a name such as `requests/keys`; else none. It
 * must have a slash, as it may also be what an option is set to.
 */
function testFilesOf(word) {
  if (word.startsWith('-') || !/[\\/]/.test(word)) return [];
  const place = [word, testFile(word), path.join(FOLDER, word)].find(statOf);
  if (!place) return [];
  return statOf(place).isDirectory() ? testFilesIn(place).sort() : [place];
}

module.exports = { FOLDER, allTestFiles, filesOfBehaviour, testFile, testFilesOf, testName };
