#!/usr/bin/env node
'use strict';

// npm run soak: what the tests do for a few seeds, for random ones and longer. Stops at the first failure.
//   npm run soak -- --minutes 30       (10 by default)
//   npm run soak -- --hostile          the hostile server and odd arguments alone
//   SEED=… npm run soak                a run of each kind with this seed

const { ensureAddon, ensureDependencies } = require('./setup');
const { findEtcd } = require('./etcd');
const { Failure, main, say } = require('./command');

/** One in so many runs lets etcd forget what watchers have not seen. */
const OVERRUNS = 8;
const REQUESTS = 3000;
/** So long is a run with a hostile server. */
const HOSTILE_SECONDS = 60;

function optionsOf(args) {
  const hostile = args.includes('--hostile');
  const rest = args.filter((arg) => arg !== '--hostile');
  const minutes = rest.length === 0 ? 10 : Number(rest[1]);
  if (!(minutes > 0) || (rest.length > 0 && (rest[0] !== '--minutes' || rest.length > 2))) {
    throw new Failure('Usage: npm run soak -- [--minutes N] [--hostile]');
  }
  return { minutes, kinds: hostile ? [runHostileServer] : KINDS };
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

/** What goes on side by side. */
const KINDS = [runWatchers, runWatchers, runRequests, runStores, runHostileServer];

async function soak(args) {
  const { minutes, kinds } = optionsOf(args);
  ensureDependencies();
  ensureAddon();
  process.env.ETCD = findEtcd();
  const { chooseSeed } = require('../__test__/support/random');
  const end = process.env.SEED ? 0 : Date.now() + minutes * 60_000;
  let runs = 0;
  let failure;
  const work = async (kind) => {
    do {
      const seed = chooseSeed();
      await kind(seed).catch((error) => {
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
