'use strict';

const fs = require('node:fs');
const { usage } = require('./exit');

/** The options by which keys are named that no listing shows. */
const HIDDEN = {
  hidden: { value: 'KEY', multiple: true, help: 'a hidden key, with what is below it; may be given again' },
  'hidden-file': { value: 'FILE', help: 'hidden keys, one on each line' },
};

/** The only key that a command was given, with one leading slash and none at the end. */
function keyOf(positionals, byDefault) {
  const [key = byDefault, ...more] = positionals;
  if (key === undefined) throw usage('a key is missing');
  if (more.length > 0) throw usage(`too many arguments: ${more.join(' ')}`);
  return normal(key);
}

/** The hidden keys that were named. */
function keysOf(values) {
  const file = values['hidden-file'];
  const lines = file === undefined ? [] : linesOf(file);
  return [...(values.hidden ?? []), ...lines].map(normal);
}

function linesOf(file) {
  try {
    return fs
      .readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line !== '');
  } catch (error) {
    throw usage(error.message);
  }
}

const normal = (key) =>
  `/${key
    .split('/')
    .filter((name) => name !== '')
    .join('/')}`;

/** Whether a key is another one, or below that. */
const isAtOrBelow = (key, top) => key === top || top === '/' || key.startsWith(`${top}/`);

module.exports = { HIDDEN, isAtOrBelow, keyOf, keysOf, normal };
