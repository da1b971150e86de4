#!/usr/bin/env node
'use strict';

// npm run soak: what the tests do for a few seeds, for random ones and longer. Stops at the first failure.
//   npm run soak -- --minutes 30       (10 by default)
//   SEED=… npm run soak                one run with this seed

const { ensureAddon, ensureDependencies } = require('./setup');
const { findEtcd } = require('./etcd');
const { Failure, main, say } = require('./command');

const AT_ONCE = 3;
/** One in so many runs lets etcd forget what watchers have not seen. */
const OVERRUNS = 8;

function minutesOf(args) {
  const at = args.indexOf('--minutes');
  const minutes = at < 0 ? 10 : Number(args[at + 1]);
  if (!(minutes > 0) || args.length > (at < 0 ? 0 : 2)) throw new Failure('Usage: npm run soak -- [--minutes N]');
  return minutes;
}

async function runOnce(seed) {
  const { runModel } = require('../__test__/support/model-run');
  const options = { overrun: seed % OVERRUNS === 0 };
  const { wrong, resyncs, ...counts } = await runModel(seed, options);
  if (!options.overrun && resyncs.some((count) => count > 0)) wrong.push(`resyncs: ${resyncs}`);
  if (wrong.length > 0) throw new Failure(wrong.join('\n'));
  console.log(JSON.stringify(counts));
}

async function soak(args) {
  const minutes = minutesOf(args);
  ensureDependencies();
  ensureAddon();
  process.env.ETCD = findEtcd();
  const { chooseSeed } = require('../__test__/support/random');
  const end = process.env.SEED ? 0 : Date.now() + minutes * 60_000;
  let runs = 0;
  let failure;
  const work = async () => {
    do {
      const seed = chooseSeed();
      await runOnce(seed).catch((error) => {
        failure ??= new Failure(`SEED=${seed}\n${error instanceof Failure ? error.message : error.stack}`);
      });
      runs += 1;
    } while (!failure && Date.now() < end);
  };
  await Promise.all(Array.from({ length: end === 0 ? 1 : AT_ONCE }, work));
  if (failure) throw failure;
  say(`${runs} runs, and nothing was wrong`);
}

main(() => soak(process.argv.slice(2)));
