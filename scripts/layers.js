#!/usr/bin/env node
'use strict';

// Which part of the project may use which, in Rust and in JavaScript: arrows lead downwards, and no files use each
// other in a circle. A part of `npm run check`; alone, `node scripts/layers.js`.
//
// The tools for this, as madge and dependency-cruiser, know no Rust: there would be two checks and two tables. What they
// do for JavaScript is one regular expression in uses.js, as every name that is required here is literal.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, main, say } = require('./command');
const { ROOT } = require('./setup');
const { javaScriptUses, rustUses } = require('./uses');

/** Files in layers, from top to bottom: each may use those of the layers below its own. */
const layered = (layers) =>
  Object.fromEntries(layers.flatMap((layer, i) => layer.map((file) => [file, layers.slice(i + 1).flat()])));

/**
 * What a place, a folder or a file, may use beside itself. Of the places that a file is in, the one that is named most
 * closely counts. `*` is any folder, each on its own: they do not use each other. Tests inside Rust's files count as
 * the file. That a module is declared is no use of it.
 */
const MAY_USE = {
  'src/lib.rs': ['src'],
  'src/binding': ['src/client', 'src/runtime.rs', 'src/transport', 'src/v2', 'src/watch', 'src/wire'],
  'src/runtime.rs': ['src/v2', 'src/wire'],
  'src/watch': ['src/client', 'src/transport/mod.rs', 'src/v2'],
  // The policy is tested over HTTP's polls and streams, without a wire.
  'src/watch/tests': ['src/client', 'src/transport', 'src/v2', 'src/watch'],
  'src/client': ['src/transport/mod.rs', 'src/v2'],
  'src/transport': ['src/v2', 'src/wire'],
  'src/transport/*': ['src/transport/mod.rs', 'src/v2', 'src/wire'],
  'src/wire': ['src/v2'],
  'src/v2': [],

  ...layered([
    ['index.mjs'],
    ['index.js'],
    ['lib/etcd.js'],
    ['lib/client.js', 'lib/watcher.js'],
    ['lib/call.js', 'lib/change-iterator.js', 'lib/memory-store.js', 'lib/options.js', 'lib/watch-call.js'],
    ['lib/dispatch.js', 'lib/encoding.js', 'lib/in-flight.js', 'lib/reply.js', 'lib/signals.js', 'lib/token.js'],
    ['lib/diagnostics.js', 'lib/proxy.js', 'lib/tls.js', 'lib/trusted-roots.js'],
    ['lib/arguments.js'],
    ['lib/addon.js', 'lib/errors.js', 'lib/headers.js', 'lib/uncaught.js'],
    ['lib/binaries.js'],
  ]),

  bin: ['lib/cli'],
  'lib/cli': ['lib/etcd.js', 'package.json'],

  scripts: [],
  'scripts/demo': ['scripts', 'index.js'],
  'scripts/differences.js': ['scripts', '__test__/differential'],
  'scripts/runtimes.js': ['scripts', '__test__/runtimes', '__test__/support'],
  'scripts/smoke.js': ['scripts', 'index.js'],
  'scripts/soak.js': ['scripts', '__test__/support'],
  'scripts/test.js': ['scripts', '__test__/support'],
  'scripts/test-servers.js': ['scripts', '__test__/support'],
  __test__: ['bin', 'scripts', 'index.js', 'index.mjs'],
  '__test__/examples': ['__test__', 'examples', 'scripts', 'index.js'],
  bench: ['scripts', 'index.js'],
  examples: ['index.js'],
};
const RUST = 'src';
const JAVASCRIPT = ['index.js', 'index.mjs', 'lib', 'scripts', '__test__', 'bench', 'examples'];

const isIn = (file, place) => file === place || file.startsWith(`${place}/`);
const arrow = ({ from, line, to }) => `${from}:${line} uses ${to}`;
/** A line can use several things of a file. */
const distinct = (uses) => [...new Map(uses.map((use) => [arrow(use), use])).values()];

/** The place of a file, with a folder's name for `*`, and what it may use. */
function placeOf(file) {
  const fitting = Object.keys(MAY_USE).flatMap((name) => {
    const pattern = new RegExp(`^${name.replaceAll('.', '\\.').replace('*', '[^/]+(?=/)')}(?=/|$)`);
    const place = pattern.exec(file)?.[0];
    return place ? [{ place, allowed: MAY_USE[name] }] : [];
  });
  return fitting.sort((a, b) => b.place.length - a.place.length)[0];
}

/** Uses that the table does not allow, and files that it does not know. */
function forbidden(uses) {
  return uses.flatMap((use) => {
    const found = placeOf(use.from);
    if (!found) return [`${arrow(use)}, but is in no place that scripts/layers.js knows`];
    const { place, allowed } = found;
    if ([place, ...allowed].some((one) => isIn(use.to, one))) return [];
    return [`${arrow(use)}: beside itself ${place} may use ${allowed.join(', ') || 'nothing'}`];
  });
}

/** Names in the table that have gone. */
function gone() {
  const names = new Set(Object.entries(MAY_USE).flatMap(([place, allowed]) => [place.replace('/*', ''), ...allowed]));
  const missing = [...names].filter((name) => !fs.existsSync(path.join(ROOT, name)));
  return missing.map((name) => `scripts/layers.js names ${name}, which is not there`);
}

/** The files that a file uses, by way of others too. */
function reachable(start, uses) {
  const found = new Set();
  const waiting = [start];
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    for (const { from, to } of uses) {
      if (from !== file || found.has(to)) continue;
      found.add(to);
      waiting.push(to);
    }
  }
  return found;
}

/** Files that use each other, by way of others too, each circle with its arrows. */
function circles(uses) {
  const between = uses.filter(({ from, to }) => from !== to);
  const users = [...new Set(between.map(({ from }) => from))];
  const reach = new Map(users.map((file) => [file, reachable(file, between)]));
  const inCircle = ({ from, to }) => reach.get(to)?.has(from);
  const found = new Map();
  for (const use of between.filter(inCircle)) {
    const members = [...reach.get(use.from)].filter((file) => reach.get(file)?.has(use.from)).sort();
    const name = `circle of ${members.join(', ')}`;
    found.set(name, [...(found.get(name) ?? []), `  ${arrow(use)}`]);
  }
  return [...found].map(([name, arrows]) => [name, ...arrows].join('\n'));
}

function checkLayers() {
  const uses = distinct([...rustUses(RUST), ...javaScriptUses(JAVASCRIPT)]);
  const complaints = [...gone(), ...forbidden(uses), ...circles(uses)];
  if (complaints.length > 0) throw new Failure(complaints.join('\n'));
  say(`${uses.length} uses lead downwards, and none in a circle`);
}

if (require.main === module) main(checkLayers);

module.exports = { checkLayers };
