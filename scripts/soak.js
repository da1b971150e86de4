#!/usr/bin/env node
'use strict';

// npm run soak: what the tests do for a few seeds, for random ones and longer. Stops at the first failure.
//   npm run soak -- --minutes 30       (10 by default)
//   SEED=… npm run soak                a run of each kind with this seed

const { ensureAddon, ensureDependencies } = require('./setup');
const { findEtcd } = require('./etcd');
const { Failure, main, say } = require('./command');

/** One in so many runs lets etcd forget what watchers have not seen. */
const OVERRUNS = 8;
const REQUESTS = 3000;

function minutesOf(args) {
  const at = args.indexOf('--minutes');
  const minutes = at < 0 ? 10 : Number(args[at + 1]);
  if (!(minutes > 0) || args.length > (at < 0 ? 0 : 2)) throw new Failure('Usage: npm run soak -- [--minutes N]');
  return minutes;
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

/** What goes on side by side. */
const KINDS = [runWatchers, runWatchers, runRequests, runStores];

async function soak(args) {
  const minutes = minutesOf(args);
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
  await Promise.all((end === 0 ? [...new Set(KINDS)] : KINDS).map(work));
  if (failure) throw failure;
  say(`${runs} runs, and nothing was wrong`);
}

main(() => soak(process.argv.slice(2)));
