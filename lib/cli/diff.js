'use strict';

const { connect, connectionOptions } = require('./connection');
const { EXIT, Exit, usage } = require('./exit');
const { HIDDEN, keyOf, keysOf } = require('./keys');
const { Comparison } = require('./nodes');

/** Seconds that times may differ by: more than a copy takes for alike. */
const TTL_TOLERANCE = 2;
const SIGNS = { missing: '-', extra: '+', kind: '!', value: '~', ttl: '~' };

const DIFF = {
  arguments: '[KEY]',
  summary: 'say what differs between two trees; the exit status is 1 if anything does',
  help: `
A line for each key: - is missing in the second, + is only there, ! is a directory in one and a key in the other,
~ has another value or another time left to live. A key that ends within the tolerance may be in one alone.`,
  options: {
    ...connectionOptions('from'),
    ...connectionOptions('to'),
    'ttl-tolerance': { value: 'SECONDS', help: `what times may differ by (default: ${TTL_TOLERANCE})` },
    output: { value: 'FORMAT', short: 'o', help: 'simple or json: an object on each line' },
    ...HIDDEN,
  },
  run: diff,
};

async function diff({ values, positionals, print, signal }) {
  const key = keyOf(positionals, '/');
  const from = await connect(values, 'from');
  const to = await connect(values, 'to');
  let differences = 0;
  const tolerance = toleranceOf(values['ttl-tolerance']);
  const differs = (what, at, node, other) => {
    // It ends in both, and has ended in one.
    if ((what === 'missing' || what === 'extra') && (node ?? other).ttl <= tolerance) return;
    differences += 1;
    print(values.output === 'json' ? JSON.stringify({ key: at, what, from: node, to: other }) : lineOf(what, at));
  };
  const comparison = new Comparison(from, to, { differs }, tolerance);
  signal.addEventListener('abort', () => comparison.stop(new Exit(EXIT.interrupted, 'interrupted')));
  await comparison.run([key, ...keysOf(values)]);
  return differences === 0 ? EXIT.ok : EXIT.different;
}

const lineOf = (what, key) =>
  what === 'value' || what === 'ttl' ? `${SIGNS[what]} ${key} (${what})` : `${SIGNS[what]} ${key}`;

function toleranceOf(text) {
  if (text === undefined) return TTL_TOLERANCE;
  if (!/^\d+(\.\d+)?$/.test(text)) throw usage(`--ttl-tolerance ${text}: expected seconds`);
  return Number(text);
}

module.exports = { DIFF };
