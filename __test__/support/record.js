'use strict';

const { keep } = require('./clean-up');

/** Takes down what a watcher emits, until the test is over: { values, indexes, others }. */
function record(watcher) {
  keep(watcher);
  const seen = { values: [], indexes: [], others: [] };
  watcher.on('change', ({ node }) => {
    seen.values.push(node.value);
    seen.indexes.push(node.modifiedIndex);
  });
  for (const name of ['reconnect', 'resync', 'error']) watcher.on(name, (err) => seen.others.push(err));
  return seen;
}

module.exports = { record };
