'use strict';

const assert = require('node:assert');
const { afterEach, beforeEach, mock, test } = require('node:test');
const Etcd = require('node-etcd-native');
const { Registration } = require('./registration');

const store = Etcd.memory();
const etcd = new Etcd('memory:', { maxRetries: 0 });
let registration;

beforeEach(() => {
  store.reset();
  registration = new Registration(etcd, 'web', '10.0.0.1:80');
});

afterEach(() => {
  clearInterval(registration.timer);
  mock.timers?.reset();
});

test('a service is in etcd from its start to its end', async () => {
  await registration.start();
  assert.strictEqual(store.dump()['/services/web'].value, '10.0.0.1:80');
  await registration.stop();
  assert.deepStrictEqual(store.dump(), { '/services/': {} });
});

test('a service that was forgotten is announced again', async () => {
  await registration.start();
  store.advance(31_000);
  assert.deepStrictEqual(store.dump(), { '/services/': {} });
  assert.strictEqual(await registration.renew(), false);
  assert.strictEqual(store.dump()['/services/web'].value, '10.0.0.1:80');
  await registration.stop();
});

test('a service cannot start without etcd', async () => {
  store.fail({ method: 'PUT', with: 'refused' });
  await assert.rejects(registration.start(), /All servers returned error/);
  assert.deepStrictEqual(store.requests(), [
    { method: 'PUT', key: '/services/web', query: 'ttl=30', value: '10.0.0.1:80' },
  ]);
});

test('a service is renewed in time, even if one time fails', {
  skip: !mock.timers && 'Node 20 has mock timers',
}, async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  await registration.start();
  store.fail({ with: 'unavailable' });
  const renewed = [];
  for (let i = 0; i < 6; i++) {
    store.advance(10_000); // the store's clock
    mock.timers.tick(10_000); // the program's
    renewed.push(await registration.renewal);
  }
  assert.deepStrictEqual(renewed, [false, true, true, true, true, true]);
  await registration.stop();
});
