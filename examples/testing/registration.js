'use strict';

// The program that is tested: it announces a service in etcd for as long as it lives.

const TTL = 30; // seconds
const RENEW_MS = 10_000;

class Registration {
  constructor(etcd, name, address) {
    this.etcd = etcd;
    this.key = `services/${name}`;
    this.address = address;
  }

  async start() {
    await this.etcd.set(this.key, this.address, { ttl: TTL });
    this.timer = setInterval(() => {
      this.renewal = this.renew();
    }, RENEW_MS);
  }

  /** Resolves with whether the key was there still. */
  async renew() {
    try {
      await this.etcd.set(this.key, null, { ttl: TTL, refresh: true, prevExist: true });
      return true;
    } catch (error) {
      if (error.errorCode !== 100) return false; // etcd cannot be reached: the next time may do
      await this.etcd.set(this.key, this.address, { ttl: TTL });
      return false;
    }
  }

  async stop() {
    clearInterval(this.timer);
    await this.etcd.del(this.key);
  }
}

module.exports = { Registration };
