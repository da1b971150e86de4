'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const { connect, connectionOptions } = require('./connection');
const { EXIT, Exit, usage } = require('./exit');
const { Follower } = require('./follower');
const { readIndex } = require('./nodes');
const { HIDDEN, keyOf, keysOf } = require('./keys');
const { Replica } = require('./replica');
const { Progress } = require('./terminal');
const { Ttls } = require('./ttls');

/** How often it is looked how far behind the copy is, and whether it is idle. */
const LOOK_EVERY = 1000;
const count = (number) => Math.round(number).toLocaleString('en');

const COPY = {
  arguments: '[KEY]',
  summary: 'copy a tree from one etcd to another, from v2 to v3 unless told otherwise',
  help: `
Copies values, directories, and the times that are left to live. What changes meanwhile is copied too. Run again, it goes
on: what is alike is not written. Keys that only the target has are kept, unless --delete is given. Hidden keys are
listed by no etcd, so they have to be named.`,
  options: {
    ...connectionOptions('from'),
    ...connectionOptions('to'),
    delete: { help: 'remove what the source does not have' },
    follow: { help: 'go on with each change, in order, until a signal comes' },
    'until-idle': { value: 'SECONDS', help: 'with --follow: end when nothing was written for so long' },
    force: { help: 'with --follow: go on when others write to the target' },
    ...HIDDEN,
  },
  run: copy,
};

async function copy({ values, positionals, signal }) {
  const key = keyOf(positionals, '/');
  const idle = secondsOf(values['until-idle']);
  const from = await connect(values, 'from');
  const to = await connect(values, 'to');
  const ttls = new Ttls(from, to);
  const keys = [key, ...keysOf(values)];
  const replica = new Replica(from, to, keys, ttls, values.delete);
  const follower = new Follower(from, keys, await readIndex(from, key), replica, values.force);
  const onSignal = () => replica.stop(new Exit(statusOf(signal), 'stopped; the same command goes on with it'));
  signal.addEventListener('abort', onSignal);
  await copyOnce({ key, replica, follower, signal });
  signal.removeEventListener('abort', onSignal);
  if (values.follow) await follow({ from, key, follower, ttls, idle, signal });
  await ttls.finish(follower);
  await follower.stop();
  return EXIT.ok;
}

async function copyOnce({ key, replica, follower, signal }) {
  const start = performance.now();
  const progress = new Progress(() => {
    const rate = count((replica.seen / (performance.now() - start)) * 1000);
    return `${count(replica.left)} left, ${count(replica.seen)} keys looked at (${rate}/s), ${count(replica.written)} written`;
  });
  const work = async () => {
    if (!(await replica.copyAll())) throw new Exit(EXIT.failed, `the source has no ${key}`);
    if (!signal.aborted) await follower.catchUp();
  };
  const copied = work();
  // Changes that are lost make the copy worthless.
  const lost = follower.ended().then(() => copied);
  try {
    await Promise.race([copied, lost]);
  } finally {
    progress.end();
  }
}

/** Applies changes until a signal comes, or nothing was written for `idle` milliseconds. */
async function follow({ from, key, follower, ttls, idle, signal }) {
  const stop = new AbortController();
  const end = () => stop.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  let failure;
  const failed = (error) => {
    failure ??= error;
    end();
  };
  follower.ended().then(end, failed);
  ttls.start(follower);
  let index = follower.index;
  const start = performance.now();
  const progress = new Progress(() => {
    const rate = count((follower.applied / (performance.now() - start)) * 1000);
    const behind = count(Math.max(index - follower.index, 0));
    return `following, ${behind} behind: ${count(follower.applied)} changes applied (${rate}/s), index ${follower.index}`;
  });
  while (!stop.signal.aborted) {
    await sleep(LOOK_EVERY, undefined, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) break;
    index = await readIndex(from, key).catch((error) => failed(error) ?? index);
    if (follower.idleTime > idle) end();
  }
  await ttls.stop();
  progress.end();
  if (failure) throw failure;
}

function secondsOf(text) {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^\d+(\.\d+)?$/.test(text)) throw usage(`--until-idle ${text}: expected seconds`);
  return Number(text) * 1000;
}

const statusOf = (signal) => (signal.reason === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted);

module.exports = { COPY };
