import Etcd from 'node-etcd-native';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Registration } from './registration.js';

const store = Etcd.memory();
const etcd = new Etcd('memory:', { maxRetries: 0 });
let registration;

beforeEach(() => {
  store.reset();
  registration = new Registration(etcd, 'web', '10.0.0.1:80');
});

afterEach(() => {
  clearInterval(registration.timer);
  vi.useRealTimers();
});

test('a service is in etcd from its start to its end', async () => {
  await registration.start();
  expect(store.dump()).toMatchObject({ '/services/web': { value: '10.0.0.1:80' } });
  await registration.stop();
  expect(store.dump()).toEqual({ '/services/': {} });
});

test('a service that was forgotten is announced again', async () => {
  await registration.start();
  store.advance(31_000);
  expect(store.dump()).toEqual({ '/services/': {} });
  expect(await registration.renew()).toBe(false);
  expect(store.dump()).toHaveProperty(['/services/web', 'value'], '10.0.0.1:80');
  await registration.stop();
});

test('a service cannot start without etcd', async () => {
  store.fail({ method: 'PUT', with: 'refused' });
  await expect(registration.start()).rejects.toThrow('All servers returned error');
  expect(store.requests()).toEqual([{ method: 'PUT', key: '/services/web', query: 'ttl=30', value: '10.0.0.1:80' }]);
});

test('a service is renewed in time, even if one time fails', async () => {
  vi.useFakeTimers();
  await registration.start();
  store.fail({ with: 'unavailable' });
  const renewed = [];
  for (let i = 0; i < 6; i++) {
    store.advance(10_000); // the store's clock
    vi.advanceTimersByTime(10_000); // the program's
    renewed.push(await registration.renewal);
  }
  expect(renewed).toEqual([false, true, true, true, true, true]);
  await registration.stop();
});
