#!/usr/bin/env node
'use strict';

// npm run soak: what the tests do for a few seeds, for random ones and longer. Stops at the first failure.
//   npm run soak -- --minutes 30       (10 by default)
//   npm run soak -- --hostile          the hostile server and odd arguments alone
//   npm run soak -- --move             the command moves a large tree from v2 to v3 while it changes, once; ETCD and ETCD_V3
//                                      name the servers. --keys, --directories, --ttls, --hidden, --rate (changes a second),
//                                      --seconds (of following) and --kills say how large and how long
//   npm run soak -- --seed N           a run of each kind with this seed; so does SEED=N

const { parseArgs } = require('node:util');
const { ensureAddon, ensureDependencies } = require('./setup');
const { findEtcd } = require('./etcd');
const { Failure, main, say } = require('./command');

/** One in so many runs lets etcd forget what watchers have not seen; on v3 a member leaves in another one. */
const OVERRUNS = 8;
const REQUESTS = 3000;
/** So long is a run with a hostile server. */
const HOSTILE_SECONDS = 60;

/** The sizes of a move, which have defaults of their own. */
const SIZES = ['keys', 'directories', 'ttls', 'hidden', 'rate', 'seconds', 'kills'];
const NUMBERS = ['minutes', 'seed', ...SIZES];
const FLAGS = ['hostile', 'move'];
const USAGE = `Usage: npm run soak -- ${FLAGS.map((name) => `[--${name}]`).join(' ')} ${NUMBERS.map((name) => `[--${name} N]`).join(' ')}`;

function optionsOf(args) {
  const typed = (names, type) => names.map((name) => [name, { type }]);
  const options = Object.fromEntries([...typed(FLAGS, 'boolean'), ...typed(NUMBERS, 'string')]);
  try {
    const { values } = parseArgs({ args, options });
    const given = NUMBERS.filter((name) => name in values).map((name) => [name, Number(values[name])]);
    if (given.some(([, number]) => !(number >= 0))) throw new Failure(USAGE);
    return { ...values, minutes: 10, ...Object.fromEntries(given) };
  } catch {
    throw new Failure(USAGE);
  }
}

/** Requests of all kinds while their connections fail. */
async function runRequests(seed) {
  const { runFaults } = require('../__test__/support/fault-run');
  const { wrong, ...counts } = await runFaults(seed, REQUESTS);
  if (wrong.length > 0) throw new Failure(wrong.join('\n'));
  console.log(JSON.stringify({ requests: REQUESTS, ...counts }));
}

/** Watchers against the model. */
async function runWatchers(seed) {
  const { runModel } = require('../__test__/support/model');
  const options = { overrun: seed % OVERRUNS === 0 };
  const { wrong, resyncs, ...counts } = await runModel(seed, options);
  if (!options.overrun && resyncs.some((count) => count > 0)) wrong.push(`resyncs: ${resyncs}`);
  if (wrong.length > 0) throw new Failure(wrong.join('\n'));
  console.log(JSON.stringify(counts));
}

/** The same on v3, also while a member leaves its cluster. */
async function runWatchersOnV3(seed) {
  const { runModel } = require('../__test__/support/model');
  const kind = { 0: { overrun: true }, 1: { leaving: true } }[seed % OVERRUNS];
  const { wrong, ...counts } = await runModel(seed, { api: seed % 3 === 0 ? 'v3-json' : 'v3', ...kind });
  if (wrong.length > 0) throw new Failure(wrong.join('\n'));
  console.log(JSON.stringify(counts));
}

/** A store in this process and an etcd, which must answer the same. */
async function runStores(seed) {
  const { canBeCompared, runLockstep } = require('../__test__/support/lockstep');
  if (!canBeCompared()) throw new Failure('A store in this process is compared with etcd 3.4: ETCD names another one');
  const { wrong, ...counts } = await runLockstep(seed);
  if (wrong.length > 0) throw new Failure(wrong.join('\n'));
  console.log(JSON.stringify(counts));
}

/** A server that answers what it should not, and odd arguments. */
async function runHostileServer(seed) {
  const { runHostile } = require('../__test__/support/hostile-run');
  const { wrong, ...counts } = await runHostile(seed, { seconds: HOSTILE_SECONDS });
  if (wrong.length > 0) throw new Failure(wrong.join('\n'));
  console.log(JSON.stringify(counts));
}

/** A tree that is moved while it changes. Its figures are told as they come. */
async function runMove(seed, options) {
  const move = require('../__test__/support/move-run');
  const sizes = Object.fromEntries(SIZES.filter((name) => name in options).map((name) => [name, options[name]]));
  say(`SEED=${seed}`);
  const wrong = await move.runMove(seed, { ...sizes, say: console.log });
  if (wrong.length > 0) throw new Failure(wrong.join('\n'));
}

/** What goes on side by side. */
const KINDS = [runWatchers, runWatchersOnV3, runRequests, runStores, runHostileServer];

function kindsOf({ hostile, move }) {
  if (move) return [runMove];
  return hostile ? [runHostileServer] : KINDS;
}

async function soak(args) {
  const options = optionsOf(args);
  const kinds = kindsOf(options);
  if (options.seed !== undefined) process.env.SEED = String(options.seed);
  ensureDependencies();
  ensureAddon();
  process.env.ETCD = findEtcd();
  const { chooseSeed } = require('../__test__/support/random');
  const end = process.env.SEED || options.move ? 0 : Date.now() + options.minutes * 60_000;
  let runs = 0;
  let failure;
  const work = async (kind) => {
    do {
      const seed = chooseSeed();
      await kind(seed, options).catch((error) => {
        failure ??= new Failure(`SEED=${seed}\n${error instanceof Failure ? error.message : error.stack}`);
      });
      runs += 1;
    } while (!failure && Date.now() < end);
  };
  await Promise.all((end === 0 ? [...new Set(kinds)] : kinds).map(work));
  if (failure) throw failure;
  say(`${runs} runs, and nothing was wrong`);
}

main(() => soak(process.argv.slice(2)));
