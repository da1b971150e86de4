'use strict';

// The programs of examples/, several of each side by side, as they are used: some of them die.

const assert = require('node:assert/strict');
const { withClient } = require('../support/etcd');
const { waitUntil } = require('../support/promises');
const { beforeEach, describe, test } = require('../support/test');

const t = withClient('examples');

/** Seconds after which what a program holds is free when it has died: the shortest TTL of all stores. */
const SHORT = { TTL: '2' };
/** Longer than any test. */
const LONG = { TTL: '600' };

const start = (name, args = [], env = {}) => t.startBeside(`examples/${name}.js`, { args: [t.host, ...args], env });

/** Waits until a program has printed this, and gives what matched. */
async function printed(program, pattern) {
  await waitUntil(() => pattern.test(program.printed), { timeoutMs: 20_000 }).catch((error) => {
    throw new Error(`It printed\n${program.printed}and not ${pattern}`, { cause: error });
  });
  return pattern.exec(program.printed);
}

/** Waits for the end of programs, which must be a good one. */
async function endedWell(...programs) {
  for (const program of programs) assert.equal(await program.ended, 0, program.printed);
}

const removed = (directory) => t.etcd.rmdir(directory, { recursive: true }).catch(() => {}); // it need not be there

beforeEach(() => Promise.all(['examples', 'services'].map(removed)));

describe('lock.js', () => {
  test('lets one at a time add: no addition of three programs is lost, and the fence rises', async () => {
    const programs = ['ann', 'bob', 'cid'].map((name) => start('lock', [name], LONG));
    await endedWell(...programs);
    const lines = programs.flatMap(({ printed: text }) => [...text.matchAll(/makes it (\d+), with fence (\d+)/g)]);
    const steps = lines.map(([, sum, fence]) => [Number(sum), Number(fence)]).sort(([one], [other]) => one - other);
    assert.deepEqual(
      steps.map(([sum]) => sum),
      Array.from({ length: 15 }, (_, i) => i + 1),
    );
    assert.ok(steps.every(([, fence], i) => i === 0 || fence > steps[i - 1][1]));
  });
});

describe('leader-election.js', () => {
  async function elected(name, env) {
    const program = start('leader-election', [name], env);
    const [, term] = await printed(program, new RegExp(`^${name} leads, term (\\d+)$`, 'm'));
    return { program, term: Number(term) };
  }

  test('has another leader after the first one is killed, with a higher term', async () => {
    const ann = await elected('ann', SHORT);
    const bob = start('leader-election', ['bob'], SHORT);
    await printed(bob, /^ann is the leader$/m);
    await ann.program.kill();
    const [, term] = await printed(bob, /^bob leads, term (\d+)$/m);
    assert.ok(Number(term) > ann.term);
    await printed(bob, /ann is the leader\n(there is no leader\n)?bob/);
  });

  test('has one leader as long as that lives, whoever waits', async () => {
    const { program: ann } = await elected('ann', SHORT);
    const others = ['bob', 'cid'].map((name) => start('leader-election', [name], SHORT));
    await Promise.all(others.map((other) => printed(other, /^ann is the leader$/m)));
    const { node } = await t.etcd.get('examples/leader');
    // Renewals take indexes, though nobody is told of them.
    const renewed = async () => (await t.etcd.get('examples/leader')).node.modifiedIndex > node.modifiedIndex;
    await waitUntil(renewed, { timeoutMs: 20_000 });
    for (const other of others) assert.doesNotMatch(other.printed, /leads/);
    assert.doesNotMatch(ann.printed, /no longer/);
  });

  test('hands over at once when the leader is ended', async () => {
    const { program: ann } = await elected('ann', LONG);
    const bob = start('leader-election', ['bob'], LONG);
    await printed(bob, /^ann is the leader$/m);
    ann.end();
    await endedWell(ann);
    await printed(bob, /^bob leads/m);
    bob.end();
    await endedWell(bob);
    await assert.rejects(t.etcd.get('examples/leader'), { errorCode: 100 });
  });
});

describe('service-registry.js', () => {
  const BOTH = /^services: web-1 at 10\.0\.0\.1:80, web-2 at 10\.0\.0\.2:80$/m;

  test('lists services while they live', async () => {
    const list = start('service-registry');
    await printed(list, /^services: none$/m);
    const first = start('service-registry', ['web-1=10.0.0.1:80'], SHORT);
    await printed(list, /^services: web-1 at 10\.0\.0\.1:80$/m);
    const second = start('service-registry', ['web-2=10.0.0.2:80'], SHORT);
    await printed(list, BOTH);
    await printed(first, BOTH);
    await first.kill();
    await printed(list, /web-2 .*\nservices: web-2 at 10\.0\.0\.2:80$/m);
    await second.kill();
    await printed(list, /services: none\n$/);
  });

  test('lists a service no longer that was ended', async () => {
    const list = start('service-registry');
    const service = start('service-registry', ['web-1=10.0.0.1:80'], LONG);
    await printed(list, /web-1/);
    service.end();
    await endedWell(service);
    await printed(list, /services: none\n$/);
    list.end();
    await endedWell(list);
  });
});

describe('work-queue.js', () => {
  const JOBS = Array.from({ length: 40 }, (_, i) => `job-${i}`);
  const doneBy = (worker) => [...worker.printed.matchAll(/has done (\S+)/g)].map(([, job]) => job);
  const left = async () => (await t.etcd.get('examples/queue/jobs')).node.nodes?.length ?? 0;

  test('has each job done once by two workers', async () => {
    const workers = ['ann', 'bob'].map((name) => start('work-queue', ['work', name], LONG));
    const added = [];
    // One of them may be there before the other.
    while (added.length === 0 || workers.some((worker) => doneBy(worker).length === 0)) {
      const jobs = JOBS.map((job) => `${added.length}-${job}`);
      await endedWell(start('work-queue', ['add', ...jobs]));
      added.push(...jobs);
      await waitUntil(async () => (await left()) === 0, { timeoutMs: 30_000 });
    }
    await waitUntil(() => workers.flatMap(doneBy).length >= added.length);
    assert.deepEqual(workers.flatMap(doneBy).sort(), added.sort());
  });

  test('has the jobs done in their order by one worker', async () => {
    await endedWell(start('work-queue', ['add', ...JOBS]));
    const worker = start('work-queue', ['work', 'ann'], LONG);
    await waitUntil(() => doneBy(worker).length === JOBS.length, { timeoutMs: 30_000 });
    assert.deepEqual(doneBy(worker), JOBS);
  });

  test('has the job of a worker that is killed done by another', async () => {
    await endedWell(start('work-queue', ['add', 'first']));
    const ann = start('work-queue', ['work', 'ann'], { ...SHORT, WORK_MS: '600000' });
    const claims = async () => (await t.etcd.get('examples/queue/claims').catch(() => undefined))?.node.nodes ?? [];
    await waitUntil(async () => (await claims()).length === 1);
    const bob = start('work-queue', ['work', 'bob'], SHORT);
    await endedWell(start('work-queue', ['add', 'second']));
    await printed(bob, /^bob has done second$/m);
    await ann.kill();
    await printed(bob, /^bob has done first$/m);
    await waitUntil(async () => (await left()) === 0);
    assert.equal(ann.printed, '');
  });

  test('lets a worker that is ended finish its job', async () => {
    await endedWell(start('work-queue', ['add', 'first', 'second']));
    const ann = start('work-queue', ['work', 'ann'], { ...LONG, WORK_MS: '300' });
    const claim = async () => (await t.etcd.get('examples/queue/claims').catch(() => undefined))?.node.nodes;
    await waitUntil(claim);
    ann.end();
    await endedWell(ann);
    assert.deepEqual([doneBy(ann), await left()], [['first'], 1]);
  });
});

describe('live-configuration.js', () => {
  test('follows what others change, also when etcd was away', async () => {
    await t.etcd.set('examples/configuration/log-level', 'warn');
    const program = start('live-configuration');
    await printed(program, /^log-level is warn\nrequests-per-second is 100$/m);
    await t.etcd.set('examples/configuration/requests-per-second', 7);
    await printed(program, /^requests-per-second is now 7$/m);
    await t.server.kill();
    await t.server.start();
    await t.etcd.set('examples/configuration/log-level', 'debug');
    await printed(program, /^log-level is now debug$/m);
    await t.etcd.rmdir('examples', { recursive: true });
    await printed(program, /^log-level is now info\nrequests-per-second is now 100$/m);
  });

  test('begins with its defaults where etcd has nothing, and sees what comes', async () => {
    const program = start('live-configuration');
    await printed(program, /^log-level is info\nrequests-per-second is 100$/m);
    await t.etcd.set('examples/configuration/colour', 'red');
    await printed(program, /^colour is now red$/m);
    await t.etcd.del('examples/configuration/colour');
    await printed(program, /^colour is now not set$/m);
  });
});
