'use strict';

// The program that is tested: it announces a service in etcd for as long as it lives.

class Registration {
  /** `ttl`: so many seconds the service is listed after it has died. */
  constructor(etcd, name, address, ttl = 30) {
    this.etcd = etcd;
    this.key = `services/${name}`;
    this.address = address;
    this.ttl = ttl;
  }

  async start() {
    await this.announce();
    this.timer = setInterval(
      () => {
        this.renewal = this.renew();
      },
      (this.ttl * 1000) / 3,
    );
  }

  announce() {
    return this.etcd.set(this.key, this.address, { ttl: this.ttl });
  }

  /** Resolves with whether the key was there still. */
  async renew() {
    try {
      await this.etcd.set(this.key, null, { ttl: this.ttl, refresh: true, prevExist: true });
      return true;
    } catch (error) {
      // Gone: it came too late, or somebody removed the key. With any other error the next time may do.
      if (error.errorCode === 100) await this.announce().catch(() => {});
      return false;
    }
  }

  async stop() {
    clearInterval(this.timer);
    await this.renewal; // which could announce the service once more
    await this.etcd.del(this.key).catch((error) => {
      if (error.errorCode !== 100) throw error; // it is gone already
    });
  }
}

module.exports = { Registration };
