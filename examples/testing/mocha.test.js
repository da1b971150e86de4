'use strict';

const assert = require('node:assert');
const FakeTimers = require('@sinonjs/fake-timers');
const Etcd = require('node-etcd-native');
const { Registration } = require('./registration');

const store = Etcd.memory();
const etcd = new Etcd('memory:', { maxRetries: 0 });

describe('a service', () => {
  let registration;
  let clock;

  beforeEach(() => {
    store.reset();
    registration = new Registration(etcd, 'web', '10.0.0.1:80');
  });

  afterEach(() => {
    clearInterval(registration.timer);
    clock?.uninstall();
  });

  it('is in etcd from its start to its end', async () => {
    await registration.start();
    assert.strictEqual(store.dump()['/services/web'].value, '10.0.0.1:80');
    await registration.stop();
    assert.deepStrictEqual(store.dump(), { '/services/': {} });
  });

  it('is announced again when it was forgotten', async () => {
    await registration.start();
    store.advance(31_000);
    assert.deepStrictEqual(store.dump(), { '/services/': {} });
    assert.strictEqual(await registration.renew(), false);
    assert.strictEqual(store.dump()['/services/web'].value, '10.0.0.1:80');
    await registration.stop();
  });

  it('cannot start without etcd', async () => {
    store.fail({ method: 'PUT', with: 'refused' });
    await assert.rejects(registration.start(), /All servers returned error/);
    assert.deepStrictEqual(store.requests(), [
      { method: 'PUT', key: '/services/web', query: 'ttl=30', value: '10.0.0.1:80' },
    ]);
  });

  it('is renewed in time, even if one time fails', async () => {
    clock = FakeTimers.install();
    await registration.start();
    store.fail({ with: 'unavailable' });
    const renewed = [];
    for (let i = 0; i < 6; i++) {
      store.advance(10_000); // the store's clock
      clock.tick(10_000); // the program's
      renewed.push(await registration.renewal);
    }
    assert.deepStrictEqual(renewed, [false, true, true, true, true, true]);
    await registration.stop();
  });
});
